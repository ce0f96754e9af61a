"""
Which language a person most likely speaks. Pure.

Languages are named by an English word, the way skills are ("french"). By country it is the main
language of its business life; a form that asks for the language is believed before that.
"""

from collections.abc import Iterable, Mapping

from accounts.geography import country_code, region_code

# English word: ISO 639-1 code and own name; countries where it is the main language.
_TABLE: Mapping[str, tuple[str, str]] = {
    "arabic": ("ar عربي", "AE BH DZ EG IQ JO KW LB LY MA OM PS QA SA SD SY TN YE"),
    "bulgarian": ("bg български", "BG"),
    "chinese": ("zh 中文 mandarin", "CN HK MO TW"),
    "croatian": ("hr hrvatski", "HR"),
    "czech": ("cs čeština", "CZ"),
    "danish": ("da dansk", "DK FO GL"),
    "dutch": ("nl nederlands", "AW BE CW NL SR SX"),
    "english": (
        "en",
        "AG AI AS AU BB BM BS BZ CA DM FJ FK GB GD GG GH GI GM GU GY IE IM IN JE JM KE KN KY LC "
        "LR MP MS MT MU MW NA NG NZ PG PH PK RW SB SC SG SL SS SZ TC TO TT TZ UG UM US VC VG VI "
        "WS ZA ZM ZW",
    ),
    "estonian": ("et eesti", "EE"),
    "finnish": ("fi suomi", "AX FI"),
    "french": (
        "fr français",
        "BF BJ BL CD CF CG CI CM DJ FR GA GF GN GP HT KM LU MC MF MG ML MQ NC NE PF PM RE SN TD "
        "TG WF YT",
    ),
    "german": ("de deutsch", "AT CH DE LI"),
    "greek": ("el ελληνικά", "CY GR"),
    "hebrew": ("he עברית", "IL"),
    "hungarian": ("hu magyar", "HU"),
    "icelandic": ("is íslenska", "IS"),
    "indonesian": ("id bahasa", "ID"),
    "italian": ("it italiano", "IT SM VA"),
    "japanese": ("ja 日本語", "JP"),
    "korean": ("ko 한국어", "KP KR"),
    "latvian": ("lv latviešu", "LV"),
    "lithuanian": ("lt lietuvių", "LT"),
    "malay": ("ms melayu", "BN MY"),
    "norwegian": ("no nb nn norsk", "NO SJ"),
    "polish": ("pl polski", "PL"),
    "portuguese": ("pt português", "AO BR CV GW MZ PT ST TL"),
    "romanian": ("ro română", "MD RO"),
    "russian": ("ru русский", "BY KG KZ RU"),
    "serbian": ("sr српски", "BA ME RS"),
    "slovak": ("sk slovenčina", "SK"),
    "slovenian": ("sl slovenščina slovene", "SI"),
    "spanish": (
        "es español castellano",
        "AD AR BO CL CO CR CU DO EC ES GQ GT HN MX NI PA PE PR PY SV UY VE",
    ),
    "swedish": ("sv svenska", "SE"),
    "thai": ("th ไทย", "TH"),
    "turkish": ("tr türkçe", "TR"),
    "ukrainian": ("uk українська", "UA"),
    "vietnamese": ("vi việt", "VN"),
}
_BY_COUNTRY = {
    country: name for name, (_, countries) in _TABLE.items() for country in countries.split()
}
_BY_NAME = {
    word.casefold(): name for name, (words, _) in _TABLE.items() for word in (name, *words.split())
}
# Regions that speak another main language than their country, by what people write there.
_REGIONS: Mapping[tuple[str, str], str] = {
    **dict.fromkeys((("CA", "QC"), ("CA", "QUEBEC")), "french"),
    **dict.fromkeys(
        (("CH", region) for region in ("GE", "GENEVA", "GENEVE", "VD", "VAUD", "NE", "JU")),
        "french",
    ),
    **dict.fromkeys((("CH", "TI"), ("CH", "TICINO")), "italian"),
    **dict.fromkeys((("BE", "WAL"), ("BE", "WALLONIA"), ("BE", "WALLONIE")), "french"),
}


def named(text: str) -> str | None:
    """Return the language that a word or a tag means: "fr-CA" and "Français" are "french"."""
    words = text.strip().casefold()
    return _BY_NAME.get(words) or _BY_NAME.get(words.replace("_", "-").partition("-")[0])


def of_country(country: str, region: str = "") -> str | None:
    """Return the main language of a country, or of one of its regions that has another."""
    iso = country_code(country)
    if iso is None:
        return None
    special = _REGIONS.get((iso, region_code(iso, region))) if region else None
    return special or _BY_COUNTRY.get(iso)


def slugs(skills: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return language → slug of the skill, for (slug, name) of skills; the first one counts."""
    found: dict[str, str] = {}
    for slug, name in skills:
        language = named(slug) or named(name)
        if language is not None:
            found.setdefault(language, slug)
    return found
