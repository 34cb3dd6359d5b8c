"""The letters that languages add to ASCII, by the encodings in which their texts are kept: how an encoding is recognised.

Bytes that are not UTF-8 can be read in many encodings without an error. The right one gives letters of one language.
"""

# ruff: noqa: RUF001 - letters that look like others are the subject

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

_WESTERN = (
    "äöüß",  # German
    "àâçéèêëîïôùûœæ",  # French
    "áéíñóúüºª",  # Spanish
    "áâãàçéêíóôõúºª",  # Portuguese
    "àèéìíòóùú",  # Italian
    "àçèéíïòóúü",  # Catalan
    "éèëïöüóáç",  # Dutch
    "æøåéó",  # Danish, Norwegian
    "åäöé",  # Swedish, Finnish
    "áæðéíóöúýþ",  # Icelandic
)
_CENTRAL = (
    "ąćęłńóśźż",  # Polish
    "áčďéěíňóřšťúůýž",  # Czech
    "áäčďéíĺľňóôŕšťúýž",  # Slovak
    "áéíóöőúüű",  # Hungarian
    "čćđšž",  # Croatian, Slovene
    "âăîşţ",  # Romanian
)
_CYRILLIC = (
    "абвгдежзийклмнопрстуфхцчшщъыьэюяё",  # Russian, Bulgarian
    "абвгдежзийклмнопрстуфхцчшщьюяєіїґ",  # Ukrainian
    "абвгдежзијклљмнњопрстћуфхцчџшђ",  # Serbian
)
_GREEK = ("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",)
_TURKISH = ("çğıöşüâîi\u0307",)
_BALTIC = (
    "ąčęėįšųūž",  # Lithuanian
    "āčēģīķļņšūž",  # Latvian
    "äõöüšž",  # Estonian
)
_HEBREW = ("אבגדהוזחטיךכלםמןנסעףפץצקרשת",)
_ARABIC = ("ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىيپچژگ",)

ALPHABETS: Mapping[str, Sequence[str]] = {
    "cp1252": _WESTERN,
    "iso8859-15": _WESTERN,
    "mac-roman": _WESTERN,
    "cp1250": _CENTRAL,
    "iso8859-2": _CENTRAL,
    "cp1251": _CYRILLIC,
    "koi8-r": _CYRILLIC,
    "cp1253": _GREEK,
    "cp1254": _TURKISH,
    "cp1257": _BALTIC,
    "cp1255": _HEBREW,
    "cp1256": _ARABIC,
}
"""By encoding, the more usual first: of two that fit alike, the first is taken."""
WIDE = ("cp932", "euc_jp", "cp949", "gb18030", "big5")
"""Encodings of more than one byte per letter, whose letters are too many to list."""
OTHER_SCRIPTS = frozenset({"cp1251", "koi8-r", "cp1253", "cp1255", "cp1256"})
"""Encodings of letters that do not occur within a word of Latin ones."""
WITH_KANA = frozenset({"cp932", "euc_jp"})
KANA = frozenset(map(chr, range(0x3041, 0x30FF)))
ENCODINGS = (*ALPHABETS, *WIDE)
SYMBOLS = frozenset("–—…‘’‚“”„«»‹›•·°ºª€£¥©®™±×÷²³¹¼½¾µ§¡¿\u00a0№、。・「」（），：！")
"""Signs that occur in texts of products."""
JOINING = frozenset("’·\u00ad\u00a0")
"""Signs that may be between two letters."""


@cache
def common_letters(encoding: str) -> tuple[frozenset[str], ...]:
    """Return the letters of each language that is written in an encoding."""
    if encoding in ALPHABETS:
        return tuple(frozenset(letters) for letters in ALPHABETS[encoding])
    return (frozenset(_wide(encoding)),)


def _wide(encoding: str) -> Iterator[str]:
    """Yield the letters in daily use: kana, and the first of the two levels into which the standards divide ideographs."""
    if encoding in WITH_KANA:
        yield from KANA
        yield from _block("euc_jp", range(0xB0, 0xD0), range(0xA1, 0xFF))
    elif encoding == "gb18030":
        yield from _block("gb18030", range(0xB0, 0xD8), range(0xA1, 0xFF))
    elif encoding == "big5":
        yield from _block("big5", range(0xA4, 0xC7), (*range(0x40, 0x7F), *range(0xA1, 0xFF)))
    else:
        yield from _block("euc_kr", range(0xB0, 0xC9), range(0xA1, 0xFF))


def _block(encoding: str, leads: Sequence[int], trails: Sequence[int]) -> Iterator[str]:
    for lead in leads:
        for trail in trails:
            yield from bytes((lead, trail)).decode(encoding, "ignore")
