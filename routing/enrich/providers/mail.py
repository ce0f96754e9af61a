"""What an e-mail address says: a company's, a free or a disposable one, one person's or many's."""

import re
from typing import Final

from django.utils.translation import gettext_lazy as _

from accounts import domains
from routing.enrich.providers.base import Answer, Provider, Subject

SURE: Final = 95
# Who reads a mailbox of this name is not one person.
ROLES: Final = frozenset(
    {
        "abuse", "accounting", "accounts", "admin", "administration", "anfrage", "atencion",
        "bestellung", "billing", "buchhaltung", "careers", "comercial", "commercial", "compras",
        "comptabilite", "contabilidad", "contact", "contacto", "contato", "customerservice",
        "direccion", "direction", "einkauf", "enquiries", "feedback", "finance", "hello", "help",
        "helpdesk", "hola", "hostmaster", "hr", "info", "infos", "inquiries", "invoices", "it",
        "jobs", "kontakt", "kundenservice", "legal", "mail", "marketing", "media", "newsletter",
        "noreply", "office", "orders", "postmaster", "presse", "press", "privacy", "procurement",
        "purchasing", "recruiting", "rh", "rrhh", "sales", "sekretariat", "service", "servicio",
        "support", "team", "vendas", "ventas", "vente", "verkauf", "vertrieb", "webmaster",
        "zentrale",
    }
)  # fmt: skip


def look(subject: Subject) -> Answer | None:
    """The class of the domain, and whether the name before the @ is a department's."""
    email = subject.prospect.email
    if not email:
        return None
    return {
        "mail_class": (domains.mail_class(email), SURE),
        "role_address": (is_role(email), SURE),
    }


def is_role(email: str) -> bool:
    """Whether an address is a shared mailbox's: info@, sales-emea@, no.reply+x@."""
    name = email.partition("@")[0].partition("+")[0].casefold()
    parts = [part for part in re.split(r"[._-]+", name) if part]
    return bool(parts) and (parts[0] in ROLES or "".join(parts) in ROLES)


PROVIDER = Provider(
    "mail",
    _("E-mail address"),
    _("Lists of free and disposable mail providers, and names of shared mailboxes."),
    ("mail_class", "role_address"),
    look,
)
