"""
Which language a message is written in: by its commonest small words. Pure.

Only languages that the small words tell apart with certainty; a text with too few of them, or
with two languages' in it, says nothing.
"""

import re
from collections.abc import Mapping
from typing import Final

_WORDS: Final[Mapping[str, frozenset[str]]] = {
    language: frozenset(words.split())
    for language, words in {
        "english": "the and is are we you for with our would like have this that please to of in "
        "your can from looking need about interested",
        "german": "der die das und ist wir sie für mit unser unsere nicht ein eine einen auf bitte "
        "haben möchten ich zu von im wäre gerne über",
        "french": "le la les et est nous vous pour avec notre nos pas un une des du dans sur "
        "merci je souhaite votre vos au aux être",
        "spanish": "el la los las y es nosotros para con nuestro nuestra una un que por favor "
        "gracias en del su sus queremos estamos más",
        "portuguese": "o os as e é nós para com nosso nossa uma um que por favor obrigado "
        "obrigada em do da dos das não você seu sua gostaria",
        "italian": "il lo gli e è noi per con nostro nostra una un che grazie di del della siamo "
        "vorrei non vostro sono alla",
        "dutch": "de het een en is wij we voor met ons onze niet graag van op bij willen zijn "
        "jullie dat naar kunnen",
    }.items()
}
FEWEST: Final = 3
MOST_WORDS: Final = 300


def language_of(text: str) -> str | None:
    """Return the language of a text, as `qualify.languages` names it; None if it is not plain."""
    found = re.findall(r"[^\W\d_]+", text[:4000].casefold())[:MOST_WORDS]
    if len(found) < 4:
        return None
    counts = sorted(
        ((sum(word in words for word in found), name) for name, words in _WORDS.items()),
        reverse=True,
    )
    (most, name), (second, _) = counts[:2]
    # A third more than the next: Spanish and Portuguese share many.
    return name if most >= FEWEST and most * 3 >= second * 4 else None
