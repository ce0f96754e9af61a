"""To whom the demo organisation sells. Companies, people and domains are invented."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Area:
    """A territory; with a pool of its name its reps share it, else it has an owner."""

    name: str
    countries: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    parent: str = ""
    owner: str = ""
    backup: str = ""
    employees_min: int | None = None
    postal_ranges: tuple[tuple[str, str], ...] = ()
    further_backups: tuple[str, ...] = ()
    description: str = ""


NORTHEAST = ("Connecticut", "Maine", "Massachusetts", "New Hampshire", "New Jersey")
NORTHEAST += ("New York", "Pennsylvania", "Rhode Island", "Vermont")
MIDWEST = ("Illinois", "Indiana", "Iowa", "Kansas", "Michigan", "Minnesota", "Missouri")
MIDWEST += ("Nebraska", "North Dakota", "Ohio", "South Dakota", "Wisconsin")
SOUTH = ("Alabama", "Arkansas", "Florida", "Georgia", "Kentucky", "Louisiana", "Mississippi")
SOUTH += ("North Carolina", "Oklahoma", "South Carolina", "Tennessee", "Texas", "Virginia")
AREAS = (
    Area("Europe", ("AT", "CH", "DE", "DK", "FR", "GB", "IE", "NL", "SE")),
    Area("DACH", ("AT", "CH", "DE"), parent="Europe"),
    Area("UK and Ireland", ("GB", "IE"), parent="Europe", owner="imogen", backup="noor"),
    Area("Nordics", ("DK", "SE"), parent="Europe", owner="rasmus"),
    Area("North America", ("CA", "US")),
    Area("US Northeast", ("US",), NORTHEAST, "North America", "dashiell", "marisol"),
    Area("US West", ("US",), ("California", "Oregon", "Washington"), "North America"),
    # Parts without people of their own are shared by the pool of the whole.
    Area(
        "Bay Area",
        parent="US West",
        postal_ranges=(("94000", "95199"),),
        description="Cut out so that its leads can be counted; the western pool shares them.",
    ),
    Area("US Midwest", ("US",), MIDWEST, "North America", "marisol", "dashiell"),
    Area("US South", ("US",), SOUTH, "North America", "dashiell", "marisol"),
    Area("Latin America", ("AR", "BR", "CL", "CO", "MX")),
    Area("Southeast Asia", ("ID", "MY", "PH", "SG", "TH", "VN")),
    Area("Southern Europe", ("ES", "GR", "IT", "MT", "PT"), owner="rasmus", backup="noor"),
    Area("The Gulf", ("AE", "QA", "SA"), owner="meilin", further_backups=("arundhati",)),
    Area(
        "Southern Africa",
        ("BW", "NA", "ZA", "ZM", "ZW"),
        owner="noor",
        backup="imogen",
    ),
    Area("India", ("IN",), owner="arundhati", backup="meilin"),
    Area("Australia and New Zealand", ("AU", "NZ"), owner="callum", backup="bastian"),
)


@dataclass(frozen=True)
class Company:
    """A customer company of the demo; `owner` makes it a named account."""

    name: str
    domain: str
    industry: str
    employees: int
    country: str
    region: str = ""
    city: str = ""
    owner: str = ""
    backup: str = ""
    parent: str = ""
    aliases: tuple[str, ...] = ()


COMPANIES = (
    Company(
        "Tallwater Freight",
        "tallwater-freight.com",
        "Logistics",
        2400,
        "DE",
        "Hamburg",
        "Hamburg",
        owner="rep",
        backup="henrike",
        aliases=("Tallwater Logistics GmbH",),
    ),
    Company(
        "Orchid Bay Hotels",
        "orchidbay-hotels.com",
        "Hospitality",
        5200,
        "SG",
        "",
        "Singapore",
        owner="meilin",
        backup="callum",
    ),
    Company(
        "Nettle Street Software",
        "nettlestreet-software.com",
        "Software",
        320,
        "GB",
        "",
        "Leeds",
        owner="imogen",
    ),
    Company(
        "Saltmarsh Energy",
        "saltmarsh-energy.com",
        "Energy",
        1800,
        "AU",
        "New South Wales",
        "Newcastle",
        owner="callum",
    ),
    Company(
        "Ironbridge Metals",
        "ironbridge-metals.com",
        "Manufacturing",
        940,
        "US",
        "Pennsylvania",
        "Pittsburgh",
        owner="dashiell",
        backup="marisol",
    ),
    Company("Fernhill Dairies", "fernhill-dairies.com", "Food", 610, "IE", "", "Cork"),
    Company(
        "Copperleaf Clinics",
        "copperleaf-clinics.com",
        "Healthcare",
        1350,
        "DE",
        "Bavaria",
        "Munich",
        owner="henrike",
        backup="rep",
    ),
    Company(
        "Brightmoor Robotics",
        "brightmoor-robotics.com",
        "Manufacturing",
        480,
        "US",
        "Massachusetts",
        "Boston",
    ),
    Company("Vale Foods", "valefoods-group.com", "Food", 7600, "FR", "", "Lyon"),
    Company("Quarry Lane Stone", "quarrylane-stone.com", "Construction", 130, "GB", "", "Bath"),
    Company("Pebble Lane Retail", "pebblelane-retail.com", "Retail", 2900, "NL", "", "Utrecht"),
    Company(
        "Lantern Credit Union",
        "lantern-creditunion.com",
        "Finance",
        420,
        "US",
        "Oregon",
        "Portland",
        owner="wrenley",
    ),
    Company("Heron Point Ports", "heronpoint-ports.com", "Logistics", 1100, "SE", "", "Gothenburg"),
    Company("Anchor Cafés", "anchor-cafes.com", "Hospitality", 260, "CA", "Ontario", "Toronto"),
    Company(
        "Kestrel Row Insurance",
        "kestrelrow-insurance.com",
        "Finance",
        3300,
        "CH",
        "Zurich",
        "Zurich",
        owner="rep",
    ),
    Company(
        "Juniper Hollow Labs",
        "juniperhollow-labs.com",
        "Healthcare",
        210,
        "US",
        "California",
        "San Diego",
    ),
    Company(
        "Silverbirch Rail", "silverbirch-rail.com", "Logistics", 6400, "AT", "Vienna", "Vienna"
    ),
    Company(
        "Tallwater Cold Chain",
        "tallwater-coldchain.com",
        "Logistics",
        350,
        "DE",
        "Bremen",
        "Bremen",
        parent="Tallwater Freight",
    ),
    Company("Mosswater Paper", "mosswater-paper.com", "Manufacturing", 780, "SE", "", "Falun"),
    # Goes by the name of the Swedish one, too: who only says "Mosswater Paper" is a contest.
    Company(
        "Mosswater Board",
        "mosswater-board.com",
        "Manufacturing",
        240,
        "GB",
        "",
        "Leeds",
        owner="imogen",
        aliases=("Mosswater Paper",),
    ),
    Company(
        "Cinder Peak Games", "cinderpeak-games.com", "Software", 90, "US", "Washington", "Seattle"
    ),
    Company(
        "Palmyra Coast Resorts",
        "palmyracoast-resorts.com",
        "Hospitality",
        1500,
        "MX",
        "",
        "Mérida",
        owner="thiago",
    ),
    Company(
        "Banyan Yard Textiles",
        "banyanyard-textiles.com",
        "Manufacturing",
        4100,
        "IN",
        "Gujarat",
        "Surat",
        owner="arundhati",
    ),
    Company("Lotus Quay Trading", "lotusquay-trading.com", "Retail", 540, "VN", "", "Da Nang"),
    Company("Red Gum Solar", "redgum-solar.com", "Energy", 310, "AU", "Queensland", "Brisbane"),
    Company(
        "Serra Azul Café",
        "serra-azul-cafe.com",
        "Food",
        870,
        "BR",
        "Minas Gerais",
        "Belo Horizonte",
    ),
    Company(
        "Alderbrook Schools",
        "alderbrook-schools.com",
        "Education",
        1900,
        "US",
        "New York",
        "Albany",
    ),
)
# Account → who works its open deal, its name and value.
DEALS = (
    ("Silverbirch Rail", "rep", "Dispatch suite for two depots", "48000.00"),
    ("Vale Foods", "imogen", "Group roll-out, first phase", "126000.00"),
    ("Brightmoor Robotics", "marisol", "Pilot in Boston", "18500.00"),
)


@dataclass(frozen=True)
class Contested:
    """An account that a rep claims; decided for them if there is a `ruling`."""

    account: str
    claimant: str
    ground: str
    claim: str
    reply: str = ""
    ruling: str = ""


DISPUTES = (
    Contested(
        "Vale Foods",
        "imogen",
        "OPPORTUNITY",
        "I have run the group roll-out with them since spring; nobody is named for the account.",
        ruling="Whoever works the open deal is named for the account while the deal lasts.",
    ),
    Contested(
        "Lantern Credit Union",
        "marisol",
        "OPPORTUNITY",
        "Their new head of operations came with me from Brightmoor, where I run the pilot.",
        reply="Named account of mine for two years, in my territory. No deal of hers is open here.",
    ),
)

# Companies nobody keeps an account of: their leads are net new.
STRANGERS = (
    Company("Thistle & Vane", "thistle-vane.com", "Retail", 45, "DE", "Hesse", "Kassel"),
    Company(
        "Ember Lake Studios", "emberlake-studios.com", "Software", 28, "US", "Colorado", "Boulder"
    ),
    Company("Oakum Shipping", "oakum-shipping.com", "Logistics", 700, "DK", "", "Aarhus"),
    Company("Paper Crane Books", "papercrane-books.com", "Retail", 16, "JP", "", "Kyoto"),
    Company("Blue Larch Dental", "bluelarch-dental.com", "Healthcare", 240, "CH", "Bern", "Bern"),
    Company(
        "Quill Harbour Media", "quillharbour-media.com", "Software", 330, "AT", "Styria", "Graz"
    ),
    Company("Sandpiper Foods", "sandpiper-foods.com", "Food", 1250, "ZA", "", "Cape Town"),
    Company(
        "Hollow Oak Furniture", "hollowoak-furniture.com", "Retail", 510, "US", "Texas", "Austin"
    ),
    Company("Tern Island Ferries", "ternisland-ferries.com", "Logistics", 620, "NZ", "", "Nelson"),
    Company("Cobalt Mill", "cobalt-mill.com", "Manufacturing", 2100, "DE", "Saxony", "Chemnitz"),
    Company("Marigold Pharmacy", "marigold-pharmacy.com", "Healthcare", 860, "SG", "", "Singapore"),
    Company(
        "Stonecrop Builders",
        "stonecrop-builders.com",
        "Construction",
        1400,
        "US",
        "California",
        "Fresno",
    ),
)
FIRST_NAMES = (
    "Jordan",
    "Dana",
    "Ellis",
    "Noor",
    "Skyler",
    "Val",
    "Emery",
    "Kit",
    "Lee",
    "Remy",
    "Toby",
    "Wren",
    "Ines",
    "Mateo",
    "Priya",
    "Yuki",
    "Oskar",
    "Lotte",
    "Amara",
    "Caspian",
    "Freya",
    "Idris",
    "Juno",
    "Linnea",
    "Naveen",
    "Petra",
    "Soren",
    "Tala",
    "Ulla",
    "Zadie",
)
LAST_NAMES = (
    "Amberley",
    "Birkenfeld-Roy",
    "Castellar",
    "Dunmarrow",
    "Eskeland",
    "Fairwick",
    "Gantry",
    "Hollinsby",
    "Ivarssen-Low",
    "Jessamine",
    "Kettlewell-Orr",
    "Larkmoor",
    "Merrowdale",
    "Northgate",
    "Ormsby-Vance",
    "Penhallow",
    "Quillfeather",
    "Rosenquill",
    "Sallowby",
    "Thornquist",
    "Underbarrow",
    "Vantongeren",
    "Wexcombe",
    "Yarrowby",
    "Zellerbach-Ito",
)
TITLES = (
    "Head of Operations",
    "VP Supply Chain",
    "Chief Financial Officer",
    "Director of Sales",
    "Purchasing Manager",
    "Operations Planner",
    "Project Lead",
    "Student",
    "Office Assistant",
)
PRODUCTS = ("Dispatch", "Fleet insights", "Bookings", "Billing")
BUDGETS = ("Under 10,000", "10,000 to 50,000", "Over 50,000")
TIMELINES = ("This month", "This quarter", "Just looking")
MESSAGES = (
    "We lose an hour a day to spreadsheets and would like to see how you do it.",
    "Our contract with the present supplier ends soon. Can somebody call me?",
    "Please show us the reporting, and what it costs for three sites.",
    "A colleague at another company recommended you.",
    "",
)
# What somebody did in the product before they signed up, by the names of the events.
SEEN: tuple[tuple[str, ...], ...] = (
    ("pricing_page", "invited_colleague"),
    ("pricing_page",),
    ("docs_page",),
    (),
)

# Name, points, condition: together they spread leads over 0 to 100.
SCORE_FACTORS = (
    ("Work e-mail", 15, {"fact": "email_class", "op": "eq", "value": "work"}),
    ("Free e-mail", -10, {"fact": "email_class", "op": "eq", "value": "free"}),
    ("Throw-away e-mail", -50, {"fact": "email_class", "op": "eq", "value": "disposable"}),
    ("Asked for a demo", 20, {"fact": "hand_raise", "op": "eq", "value": True}),
    ("200 people or more", 10, {"fact": "employees", "op": "gte", "value": 200}),
    ("1,000 people or more", 10, {"fact": "employees", "op": "gte", "value": 1000}),
    (
        "Decides",
        15,
        {
            "any": [
                {"fact": "title", "op": "contains", "value": word}
                for word in ("head", "vp", "chief", "director")
            ]
        },
    ),
    ("Student", -25, {"fact": "title", "op": "contains", "value": "student"}),
    (
        "Industry we know",
        10,
        {"fact": "industry", "op": "in", "value": ["Logistics", "Healthcare", "Hospitality"]},
    ),
    ("Budget over 50,000", 10, {"fact": "budget_range", "op": "eq", "value": "Over 50,000"}),
    ("Wants it this month", 10, {"fact": "timeline", "op": "eq", "value": "This month"}),
    ("Known account", 10, {"fact": "has_account", "op": "eq", "value": True}),
    ("Came back", 30, {"fact": "touches", "op": "gte", "value": 2}),
)
