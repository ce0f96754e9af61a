"""
Words of other scripts in Latin letters, so that "Газпром" and "Gazprom" are one name.

One plain spelling per letter, near to how companies write themselves in English; no dictionary,
so vowels that Arabic and Hebrew leave out stay out. Chinese characters and kanji are not read:
they have no one sound. Text in, text out; a letter that the tables lack stays as it is.
"""

from functools import lru_cache
from typing import Final


def _pairs(letters: str, latin: str) -> dict[str, str]:
    """Pair letters with what they are written as, parted by spaces; "_" is not written."""
    return dict(zip(letters, latin.replace("_", "").split(" "), strict=True))


_GREEK: Final = _pairs(
    "αβγδεζηθικλμνξοπρσςτυφχψω", "a v g d e z i th i k l m n x o p r s s t y f ch ps o"
)
_GREEK_PAIRS: Final = (("ου", "ou"), ("αυ", "au"), ("ευ", "eu"), ("μπ", "b"), ("ντ", "nt"))
_CYRILLIC: Final = _pairs(
    "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
    "a b v g d e e zh z i i k l m n o p r s t u f kh ts ch sh shch _ y _ e yu ya",
) | _pairs("іїєґўјљњћђџѓќѕ", "i i ie g u j lj nj c d dz g k dz")
_ARABIC: Final = _pairs(
    "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "a b t th j h kh d dh r z s sh s d t z a gh f q k l m n h w y",
) | _pairs("أإآةىءئؤپچژگکی", "a i a a a _ y w p ch zh g k y")
_HEBREW: Final = _pairs(
    "אבגדהוזחטיכךלמםנןסעפףצץקרשת", "a b g d h v z ch t i k k l m m n n s a p p ts ts k r sh t"
)
_GEORGIAN: Final = _pairs(
    "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ",
    "a b g d e v z t i k l m n o p zh r s t u p k gh q sh ch ts dz ts ch kh j h",
)
_ARMENIAN: Final = _pairs(
    "աբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆ",
    "a b g d e z e y t zh i l kh ts k h dz gh ch m y n sh o ch p j r s v t r ts u p k o f",
)
_TABLE: Final = {
    ord(letter): written
    for table in (_GREEK, _CYRILLIC, _ARABIC, _HEBREW, _GEORGIAN, _ARMENIAN)
    for letter, written in table.items()
}


def _sounds(latin: str) -> list[str]:
    return latin.replace("_", "").split(" ")


# Revised Romanization, letter by letter: first consonants, vowels, last consonants.
_HANGUL: Final = (
    _sounds("g kk n d tt r m b pp s ss _ j jj ch k t p h"),
    _sounds("a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i"),
    _sounds("_ k k k n n n t l k m l l l p l m p p t t ng t t k t p t"),
)
_HANGUL_FIRST, _HANGUL_LAST = 0xAC00, 0xD7A3
_KANA_ROWS: Final = {
    "": "アイウエオ",
    "k": "カキクケコ",
    "g": "ガギグゲゴ",
    "s": "サシスセソ",
    "z": "ザジズゼゾ",
    "t": "タチツテト",
    "d": "ダヂヅデド",
    "n": "ナニヌネノ",
    "h": "ハヒフヘホ",
    "b": "バビブベボ",
    "p": "パピプペポ",
    "m": "マミムメモ",
    "r": "ラリルレロ",
}
_KANA: Final = {
    kana: row + vowel
    for row, line in _KANA_ROWS.items()
    for kana, vowel in zip(line, "aiueo", strict=True)
} | _pairs("シジチツフヂヅヤユヨワヲンヴ", "shi ji chi tsu fu ji zu ya yu yo wa o n vu")
_SMALL: Final = _pairs("ァィゥェォャュョ", "a i u e o ya yu yo")
_READABLE: Final = frozenset(_KANA) | frozenset(_SMALL) | frozenset("ッー")


def latin(word: str) -> str:
    """Give a folded word in Latin letters as far as the tables go; an ASCII word is itself."""
    return word if word.isascii() else _latin(word)


@lru_cache(maxsize=8192)
def _latin(word: str) -> str:
    text = word
    for pair, written in _GREEK_PAIRS:
        text = text.replace(pair, written)
    text = "".join(_hangul(char) for char in text).translate(_TABLE)
    return _kana(text) or word


def _hangul(char: str) -> str:
    if not _HANGUL_FIRST <= ord(char) <= _HANGUL_LAST:
        return char
    first, rest = divmod(ord(char) - _HANGUL_FIRST, 588)
    vowel, last = divmod(rest, 28)
    return _HANGUL[0][first] + _HANGUL[1][vowel] + _HANGUL[2][last]


def _kana(text: str) -> str:
    """Read katakana and hiragana; a word that also has kanji stays as it is."""
    raised = "".join(
        chr(ord(char) + 0x60) if "\u3041" <= char <= "\u3096" else char for char in text
    )
    if not all(char in _READABLE or char.isascii() for char in raised):
        return text
    read = ""
    doubled = False
    for char in raised:
        if char == "ッ":
            doubled = True
            continue
        if char == "ー":  # the vowel before it is long
            continue
        if char in _SMALL and read:
            # "ファ" is "fa", "ショ" is "sho": the small sound replaces the vowel before it.
            small = _SMALL[char]
            stem = read[:-1]
            read = stem + (small[-1] if stem.endswith(("sh", "ch", "j")) else small)
            continue
        sound = _KANA.get(char) or _SMALL.get(char) or char
        read += sound[0] + sound if doubled else sound
        doubled = False
    return read
