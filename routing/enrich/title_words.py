"""
The words of `titles`: English, German, French, Spanish, Portuguese, without accents.

`x*` is a word that begins so, `*x` one that ends so, `*x*` one that holds it. The first list in
which something is found decides, so what is special stands before what is general.
"""

from collections.abc import Mapping
from typing import Final

# Somebody's right hand is no boss, whatever word follows.
HELPERS: Final = (
    "executive assistant", "personal assistant", "pa to", "assistant to", "secretary",
    "secretaire", "secretari*", "assistent*", "assistant de", "assistante de", "assistante",
    "asistente", "assistente", "*sekretar*", "assistance",
)  # fmt: skip

# Titles whose words would mislead: (pattern, seniority).
SPECIAL: Final = (
    ("product owner", "staff"), ("process owner", "staff"), ("business partner", "staff"),
    ("channel partner", "staff"), ("account executive", "staff"), ("sales executive", "staff"),
    ("marketing executive", "staff"), ("ejecutiv* de cuentas", "staff"),
    ("executivo de contas", "staff"), ("executiva de contas", "staff"),
    ("ejecutiv* comercial", "staff"), ("ejecutiv* de ventas", "staff"),
    ("executivo de vendas", "staff"), ("chief of staff", "director"),
    ("vice chair*", "c_level"), ("team lead*", "manager"), ("tech lead", "senior"),
    ("technical lead", "senior"), ("managing partner", "owner"), ("partner manager", "manager"),
    ("partner success", "staff"),
)  # fmt: skip

# The highest that is found counts.
SENIORITY: Final[Mapping[str, tuple[str, ...]]] = {
    "entry": (
        "intern", "internship", "trainee*", "apprentice*", "student*", "junior", "jr", "graduate",
        "werkstudent*", "praktikant*", "auszubildend*", "azubi", "volontar*", "dual*",
        "stagiaire*", "apprenti", "apprentie", "alternant*", "becari*", "practicante*", "aprendiz",
        "pasante", "estagiari*", "jovem aprendiz", "working student",
    ),
    "owner": (
        "founder*", "cofounder*", "owner*", "proprietor*", "partner", "inhaber*", "grunder*",
        "gruender*", "mitgrunder*", "gesellschafter*", "*gesellschafter", "*gesellschafterin",
        "eigentumer*", "fondateur*", "fondatrice*", "cofondat*", "gerant", "gerante",
        "proprietaire", "associe", "associee", "dueno", "duena", "propietari*", "fundador*",
        "cofundador*", "socio", "socia", "proprietari*", "dono", "dona",
    ),
    "vp": (
        "vp", "svp", "evp", "avp", "gvp", "vice president*", "vicepresident*", "vizeprasident*",
        "vice presidente",
    ),
    "c_level": (
        "ceo", "cfo", "cto", "cio", "coo", "cmo", "cro", "chro", "cpo", "cso", "ciso", "cdo",
        "clo", "cco", "cxo", "chief * officer", "chief * * officer", "chief", "president*",
        "managing director*", "general counsel", "executive director", "chair*",
        "geschaftsfuhr*", "geschaeftsfuehr*", "vorstand*", "*vorstand", "generaldirektor*", "pdg",
        "dg", "directeur general", "directrice generale", "consejer* delegad*",
        "director* general", "director* ejecutiv*", "gerente general", "diretor* geral",
        "diretor* executiv*", "administrador* delegad*", "presidente*", "prasident*",
    ),
    "director": (
        "director*", "head", "head of", "direktor*", "leiter", "leiterin", "leitung",
        "leitend*", "bereichsleit*", "abteilungsleit*", "*leiter", "*leiterin", "*leitung",
        "prokurist*", "directeur*", "directrice*", "diretor*", "dsi", "daf", "drh", "rssi",
    ),
    "manager": (
        "manager*", "*manager", "*managerin", "mgr", "supervisor*", "foreman", "superintendent",
        "responsable*", "chef", "cheffe", "chefe", "jefe", "jefa", "gerente*", "encargad*",
        "coordinat*", "coordinador*", "coordenador*", "koordinat*", "coordonnat*", "meister*",
        "superviseur*", "gestor*", "lider", "responsavel", "encarregad*",
    ),
    "senior": (
        "senior", "sr", "principal", "lead", "staff engineer", "expert*", "sênior", "experienced",
        "architect*", "especialista senior", "confirme",
    ),
}  # fmt: skip

# German compounds that end like a head's title and lead few.
TEAM_LEADS: Final = (
    "teamleit*", "gruppenleit*", "projektleit*", "schichtleit*", "filialleit*", "marktleit*",
    "team leiter*", "team leitung",
)  # fmt: skip

DEPARTMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "procurement": (
        "procurement", "purchas*", "sourcing", "buyer*", "einkauf*", "*einkauf", "*einkaufer",
        "beschaffung*", "achats", "achat", "acheteu*", "approvisionnement*", "compras",
        "comprador*", "suprimentos", "aprovisionamiento", "vendor management",
    ),
    "support": (
        "customer success", "customer support", "customer service", "customer care",
        "customer experience", "help desk", "helpdesk", "service desk", "client services",
        "client success", "*kundenservice*", "*kundendienst*", "*kundenbetreu*", "service client",
        "clientele", "relation client*", "atencion al cliente", "servicio al cliente",
        "soporte", "suporte", "atendimento", "sucesso do cliente", "support technician",
        "technical support",
    ),
    "hr": (
        "hr", "chro", "drh", "rh", "human resources", "people", "talent", "recruit*",
        "recrut*", "reclut*", "personal", "personal*", "*personal", "ressources humaines",
        "recursos humanos", "rrhh", "payroll", "compensation", "benefits", "seleccion",
    ),
    "legal": (
        "legal", "counsel", "lawyer*", "attorney*", "paralegal*", "compliance", "clo",
        "*recht", "rechts*", "*rechtsanwalt*", "*anwalt*", "jurist*", "juridi*", "avocat*",
        "abogad*", "advogad*", "datenschutz*", "privacy", "contracts",
    ),
    "data": (
        "data", "analytics", "business intelligence", "bi", "machine learning", "ai", "cdo",
        "daten*", "donnees", "datos", "dados", "statisti*",
    ),
    "sales": (
        "sales", "revenue", "cro", "cco", "account executive", "account manager",
        "account management", "key account", "business development", "sdr", "bdr", "presales",
        "vertrieb*", "*vertrieb", "verkauf*", "*verkauf*", "*aussendienst*", "*innendienst*",
        "commercial*", "*commercial", "vente", "ventes", "vendeu*", "ventas", "comercial*",
        "vendas", "vended*", "ejecutiv* de cuentas", "contas", "cuentas", "partnerships",
        "alliances", "channel",
    ),
    "marketing": (
        "marketing", "*marketing", "marketing*", "cmo", "brand*", "growth", "demand", "content",
        "communication*", "*kommunikation*", "*offentlichkeit*", "pr", "public relations", "seo",
        "social media", "comunicacion*", "comunicac*", "publicidad", "community manager",
        "campaign*", "event*", "copywriter", "media", "werbung*",
    ),
    "design": (
        "design*", "ux", "ui", "creative", "disen*", "gestalt*", "graphi*", "graphist*",
        "art director",
    ),
    "product": (
        "product manag*", "product owner", "product", "cpo", "produktmanag*", "produkt", "produkte",
        "produit*", "producto*", "produto*",
    ),
    "engineering": (
        "engineer*", "developer*", "software*", "cto", "r d", "research", "devops", "programm*",
        "entwickl*", "*entwickl*", "ingenieur*", "*ingenieur*", "konstrukt*", "forschung*",
        "developpeu*", "logiciel*", "desarrollador*", "desarrollo", "ingenier*",
        "engenheir*", "desenvolv*", "technology", "technical", "architect*", "qa",
    ),
    "it": (
        "it", "cio", "ciso", "dsi", "rssi", "information technology", "information security",
        "information systems", "security", "infrastructure", "network*", "system* admin*",
        "systemadmin*", "sysadmin", "edv*", "*informatik*", "informati*", "systemes",
        "sistemas", "tecnologia*", "ti", "si", "cyber*",
    ),
    "finance": (
        "finance", "finances", "financ*", "finanz*", "*finanz*", "cfo", "daf", "account*",
        "controll*", "*controll*", "treasur*", "tax", "audit*", "bookkeep*", "*buchhalt*",
        "rechnungswesen", "steuer*", "kaufmannisch*", "comptab*", "tresor*", "contab*",
        "contador*", "fiscal", "billing",
    ),
    "operations": (
        "operations", "operation*", "coo", "supply chain", "logisti*", "*logisti*", "warehouse",
        "plant", "production", "manufactur*", "facilit*", "office", "fleet", "quality",
        "produktion*", "*produktion*", "betrieb*", "*betrieb", "lager*", "werk*", "fertigung*",
        "qualitat*", "exploitation", "usine", "operacion*", "produccion", "almacen", "planta",
        "calidad", "operaco*", "operac*", "producao", "armazem", "qualidade", "administrativ*",
        "administration", "verwaltung*", "chantier", "transport*",
    ),
}  # fmt: skip

# Of those who lead the whole, or help whoever does.
EXECUTIVE: Final = (
    "ceo", "president*", "chair*", "general", "generale", "executive", "geschaftsfuhr*",
    "geschaeftsfuehr*", "vorstand*", "prokurist*", "direction", "direccion", "diretoria",
    "chief of staff", "pdg", "dg", "managing director*", "consejer* delegad*",
    "diretor* executiv*", "director* ejecutiv*",
)  # fmt: skip

# One of these words makes a text a title at all; without any, its level is not known.
WORKERS: Final = (
    "specialist*", "*specialist", "analyst*", "analista*", "analyste*", "representative*",
    "associate*", "consultant*", "advisor*", "agent*", "administrator*", "technician*",
    "officer", "clerk", "planner", "*mitarbeiter*", "sachbearbeit*", "referent*", "*referent*",
    "berater*", "*berater*", "kaufmann*", "kauffrau*", "*kaufmann", "techniker*", "charge",
    "chargee", "conseiller*", "technicien*", "tecnic*", "executive", "asesor*", "consultor*",
    "agente*", "auxiliar*", "operador*", "operator*", "ejecutiv*", "executiv*", "pleno",
    "scientist*",
    "accountant*", "controller*", "bookkeeper*", "engineer*", "developer*", "designer*", "buyer*",
    "acheteu*", "comprador*", "lawyer*", "paralegal*", "attorney*", "jurist*", "juriste",
    "*anwalt*", "avocat*", "abogad*", "advogad*", "comptable*", "contable*", "contador*",
    "*buchhalter*", "*einkaufer*", "*entwickler*", "ingenieur*", "*ingenieur*",
    "developpeu*", "desarrollador*", "ingenier*", "engenheir*", "desenvolvedor*", "vendeu*",
    "vended*", "commercial", "comercial", "recruiter*", "researcher*", "programmer*",
    "*verkaufer*", "*administrator*", "disenador*", "graphist*", "writer", "copywriter",
    "atencion al cliente",
)  # fmt: skip
