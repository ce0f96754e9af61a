"""Who works at the demo organisation. Every name is invented."""

from dataclasses import dataclass

from reps.models import Rep

ALL_DAY = [["00:00", "24:00"]]
AROUND_THE_CLOCK = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), ALL_DAY)


def weekdays(*windows: list[str]) -> dict[str, list[list[str]]]:
    """The same windows from Monday to Friday."""
    return {
        day: [list(window) for window in windows] for day in ("mon", "tue", "wed", "thu", "fri")
    }


# How somebody is told: (channel, used for, address), in order. Nothing leaves the demo; the
# outbox shows what would have been sent in each channel's own format.
Channels = tuple[tuple[str, str, str], ...]
NO_CHANNELS: Channels = (("email", "OFF", ""),)
SLACK = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
TEAMS = "https://demo.westeurope.logic.azure.com/workflows/demo/triggers/manual/paths/invoke"


@dataclass(frozen=True)
class Hours:
    """A calendar of the demo; `country` and `region` name its public holidays."""

    name: str
    time_zone: str
    weekly: dict[str, list[list[str]]]
    country: str = ""
    region: str = ""


CALENDARS = (
    Hours("Around the clock", "UTC", AROUND_THE_CLOCK),
    Hours("Berlin", "Europe/Berlin", weekdays(["08:30", "12:30"], ["13:15", "17:30"]), "DE", "BE"),
    Hours("London", "Europe/London", weekdays(["09:00", "17:30"]), "GB", "ENG"),
    Hours("New York", "America/New_York", weekdays(["08:30", "17:30"]), "US", "NY"),
    Hours("Los Angeles", "America/Los_Angeles", weekdays(["08:00", "17:00"]), "US", "CA"),
    Hours("São Paulo", "America/Sao_Paulo", weekdays(["09:00", "18:00"]), "BR", "SP"),
    Hours("Singapore", "Asia/Singapore", weekdays(["09:00", "18:00"]), "SG"),
    Hours("Sydney", "Australia/Sydney", weekdays(["08:30", "17:00"]), "AU", "NSW"),
    Hours("Kolkata", "Asia/Kolkata", weekdays(["09:30", "18:30"]), "IN", "WB"),
)


@dataclass(frozen=True)
class Login:
    """Somebody who signs in; the four of the demo's welcome have short names."""

    username: str
    first_name: str
    last_name: str
    group: str
    time_zone: str = "UTC"
    superuser: bool = False


ADMIN, MANAGER, REP, REVOPS, APAC_MANAGER = "admin", "manager", "rep", "revops", "tamsin"
CHANNELS: dict[str, Channels] = {
    REP: (
        ("slack", "ALWAYS", SLACK),
        ("email", "ALWAYS", ""),
        ("push", "URGENT", ""),
        ("sms", "URGENT", "+12025550123"),
        ("whatsapp", "URGENT", "+14155550132"),
        ("teams", "URGENT", TEAMS),
    ),
    MANAGER: (
        ("teams", "ALWAYS", TEAMS),
        ("email", "ALWAYS", ""),
        ("sms", "FALLBACK", "+12025550123"),
    ),
}
OFFICE = (
    Login(ADMIN, "Avery", "Stonebridge", "admin", "Europe/Berlin", superuser=True),
    Login(MANAGER, "Morgan", "Halewood", "manager", "Europe/Berlin"),
    Login(REVOPS, "Riley", "Ostrander", "revops", "America/New_York"),
    Login(APAC_MANAGER, "Tamsin", "Okonjo-Reyes", "manager", "Asia/Singapore"),
)

EMEA, AMERICAS, APAC, NIGHT = "EMEA", "Americas", "APAC", "Follow the sun"


@dataclass(frozen=True)
class Group:
    """A team; without a calendar its reps work around the clock."""

    name: str
    manager: str
    calendar: str = ""


TEAMS = (
    Group(EMEA, MANAGER, "Berlin"),
    Group(AMERICAS, MANAGER, "New York"),
    Group(APAC, APAC_MANAGER, "Singapore"),
    Group(NIGHT, APAC_MANAGER),
)


@dataclass(frozen=True)
class Seller:
    """A rep of the demo: team, hours, languages and fields with a level, and the backup."""

    username: str
    first_name: str
    last_name: str
    team: str
    time_zone: str
    backup: str
    calendar: str = ""
    role: str = "SDR"
    capacity: int = 40
    seniority: int = Rep.Seniority.MID
    skills: tuple[tuple[str, int], ...] = ()


SELLERS = (
    # Who tries the demo signs in as `rep`, at whatever hour: there is always work.
    Seller(
        REP,
        "Robin",
        "Eastlake",
        EMEA,
        "Europe/Berlin",
        "noor",
        "Around the clock",
        "AE",
        60,
        Rep.Seniority.SENIOR,
        (("english", 5), ("german", 5), ("logistics", 4)),
    ),
    Seller(
        "henrike",
        "Henrike",
        "Vossberg",
        EMEA,
        "Europe/Berlin",
        "rasmus",
        skills=(("german", 5), ("english", 4), ("healthcare", 4)),
    ),
    Seller(
        "rasmus",
        "Rasmus",
        "Lindqvarn",
        EMEA,
        "Europe/Berlin",
        "noor",
        seniority=Rep.Seniority.JUNIOR,
        skills=(("german", 3), ("english", 5), ("software", 4)),
    ),
    Seller(
        "imogen",
        "Imogen",
        "Farthingale",
        EMEA,
        "Europe/London",
        "henrike",
        "London",
        "AE",
        skills=(("english", 5), ("french", 4), ("hospitality", 4)),
    ),
    Seller(
        "dashiell",
        "Dashiell",
        "Corvane",
        AMERICAS,
        "America/New_York",
        "marisol",
        role="AE",
        skills=(("english", 5), ("logistics", 3)),
    ),
    Seller(
        "marisol",
        "Marisol",
        "Quintavelle",
        AMERICAS,
        "America/New_York",
        "bastian",
        skills=(("spanish", 5), ("english", 5), ("healthcare", 3)),
    ),
    Seller(
        "wrenley",
        "Wrenley",
        "Ashcombe",
        AMERICAS,
        "America/Los_Angeles",
        "dashiell",
        "Los Angeles",
        skills=(("english", 5), ("software", 5)),
    ),
    Seller(
        "thiago",
        "Thiago",
        "Barravento",
        AMERICAS,
        "America/Sao_Paulo",
        "marisol",
        "São Paulo",
        skills=(("portuguese", 5), ("spanish", 4), ("english", 4)),
    ),
    Seller(
        "meilin",
        "Meilin",
        "Tanvora",
        APAC,
        "Asia/Singapore",
        "arundhati",
        role="AE",
        skills=(("mandarin", 5), ("english", 5), ("hospitality", 3)),
    ),
    Seller(
        "arundhati",
        "Arundhati",
        "Sengar-Pal",
        APAC,
        "Asia/Kolkata",
        "meilin",
        "Kolkata",
        skills=(("hindi", 5), ("english", 5), ("software", 4)),
    ),
    Seller(
        "callum",
        "Callum",
        "Birraway",
        APAC,
        "Australia/Sydney",
        "meilin",
        "Sydney",
        skills=(("english", 5), ("energy", 4)),
    ),
    Seller(
        "noor",
        "Noor",
        "Qadirzade",
        NIGHT,
        "Europe/Berlin",
        "bastian",
        capacity=80,
        skills=(("english", 5), ("french", 4), ("german", 3)),
    ),
    Seller(
        "bastian",
        "Bastian",
        "Okereke-Lund",
        NIGHT,
        "America/New_York",
        "noor",
        capacity=80,
        skills=(("english", 5), ("spanish", 3)),
    ),
)
# Managers own leads only when an escalation ends with them.
MANAGERS_AS_REPS = ((MANAGER, EMEA), (APAC_MANAGER, NIGHT))

SKILLS = (
    ("english", "English", "LANGUAGE"),
    ("german", "German", "LANGUAGE"),
    ("french", "French", "LANGUAGE"),
    ("spanish", "Spanish", "LANGUAGE"),
    ("portuguese", "Portuguese", "LANGUAGE"),
    ("mandarin", "Mandarin", "LANGUAGE"),
    ("hindi", "Hindi", "LANGUAGE"),
    ("logistics", "Logistics", "INDUSTRY"),
    ("healthcare", "Healthcare", "INDUSTRY"),
    ("hospitality", "Hospitality", "INDUSTRY"),
    ("software", "Software", "INDUSTRY"),
    ("energy", "Energy", "INDUSTRY"),
)

GENERAL_POOL, DESK_POOL = "Everyone on shift", "Inbound desk"
# Pool → member → weight, in the order of their turns.
POOLS: dict[str, dict[str, int]] = {
    GENERAL_POOL: {
        REP: 2,
        "henrike": 1,
        "rasmus": 1,
        "imogen": 1,
        "dashiell": 1,
        "marisol": 1,
        "wrenley": 1,
        "thiago": 1,
        "meilin": 1,
        "arundhati": 1,
        "callum": 1,
        "noor": 1,
        "bastian": 1,
    },
    DESK_POOL: {
        REP: 1,
        "henrike": 1,
        "imogen": 1,
        "marisol": 1,
        "wrenley": 1,
        "meilin": 1,
        "callum": 1,
        "noor": 1,
        "bastian": 1,
    },
    "DACH": {REP: 2, "henrike": 2, "rasmus": 1},
    "US West": {"wrenley": 2, "dashiell": 1, "bastian": 1},
    "Southeast Asia": {"meilin": 2, "callum": 1, "noor": 1},
    "Latin America": {"thiago": 2, "marisol": 1, "bastian": 1},
}
# Hot leads of this pool are shared on their own, and nobody gets more than so many an hour.
LANES = {"DACH": ["HOT"]}
NEW_AN_HOUR = {"DACH": 20}
# (pool, member) → percent of the pool's leads that a learner is promised, ...
PROTECTED = {("DACH", "rasmus"): 25}
# ... and for somebody new: began so many days ago, full weight after so many.
RAMPS = {("Southeast Asia", "callum"): (15, 60)}


@dataclass(frozen=True)
class Away:
    """An absence to come, in days from the load, and who stands in."""

    username: str
    delegate: str
    starts_in: int
    days: int
    reason: str


AWAY = (Away("imogen", "noor", 3, 7, "Holiday"),)
