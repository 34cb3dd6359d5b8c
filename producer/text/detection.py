"""Find the encoding of a text that is neither UTF-8 nor marked: charset-normalizer's candidates, judged by their letters.

A text is not taken for another encoding because of a few broken bytes: if most of what is not ASCII is good UTF-8, it is
UTF-8. A few bytes are enough for the encodings of Western Europe only; others need more.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter

from producer.text.alphabets import (
    ENCODINGS,
    JOINING,
    KANA,
    OTHER_SCRIPTS,
    SYMBOLS,
    WITH_KANA,
    common_letters,
)
from producer.text.encodings import UTF_8, canonical_encoding, utf_16_without_mark

LOOKED_AT_BYTES = 1024 * 1024
"""The start of a file that decides its encoding."""
_SAMPLE_BYTES = 16 * 1024
_LINE_BYTES = 2 * 1024
_WEST = ("cp1252", "iso8859-15")
_FEW_BYTES, _VERY_FEW_BYTES = 6, 3
"""Below these numbers of bytes, only the encodings of `_WEST` are believed, and only they are considered."""
_HANDICAPS = {"mac-roman": 0.25}
"""How much less likely an encoding is than the others, whatever the letters."""
_WITHOUT_KANA = 0.1
"""How much less likely a text without kana is to be Japanese."""
_LIKENESS = 0.6
"""The least that a text must be like one of an encoding: 1 if every letter is of one language."""
_HIGH_LINE = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*")
_BAD = re.compile(r"[\udc80-\udcff]")
_GOOD = re.compile(r"[^\x00-\x7f\udc80-\udcff]")
_CUT_LETTER = re.compile("[\udce2\udced\udcf0][\udc80-\udcbf]")
"""The start of a sign, an emoji or half of one in UTF-8, of which the rest is missing."""
_BROKEN_LEAD = frozenset("ÃÂ")
"""What the first byte of a two-byte letter of UTF-8 is in Windows-1252; before no letter, it is rather a broken UTF-8."""


def detect_encoding(start: bytes) -> str | None:
    """Return the encoding of a file with this start; None for UTF-8, with or without broken bytes, and if nothing fits."""
    if _is_utf_8(start):
        return utf_16_without_mark(start) if b"\0" in start[:4096] else None
    if (wide := utf_16_without_mark(start)) is not None:
        return wide
    if _is_damaged_utf_8(start):
        return None
    return _most_alike(_sample(start), _FEW_BYTES)


def looks_like(line: bytes) -> str | None:
    """Return the encoding that one line seems to be in, for a hint; None for UTF-8 with broken bytes."""
    if _is_damaged_utf_8(line):
        return None
    return _most_alike(_sample(line), _VERY_FEW_BYTES)


def _is_utf_8(start: bytes) -> bool:
    try:
        codecs.getincrementaldecoder(UTF_8)().decode(start)  # its last letter may be cut
    except UnicodeDecodeError:
        return False
    return True


def _is_damaged_utf_8(data: bytes) -> bool:
    """Whether at least half of what is not ASCII is letters of UTF-8; in other encodings, few pairs of bytes are."""
    text = data.decode(UTF_8, "surrogateescape")
    cut = sum(1 for _ in _CUT_LETTER.finditer(text))
    good = sum(1 for _ in _GOOD.finditer(text)) + cut
    return good > 0 and good >= sum(1 for _ in _BAD.finditer(text)) - 2 * cut


def _sample(start: bytes) -> bytes:
    """Return the first lines that are not ASCII."""
    lines: list[bytes] = []
    size = 0
    for match in _HIGH_LINE.finditer(start):
        line = match[0]
        if len(line) > _LINE_BYTES:
            cut = max(line.rfind(sign, 0, _LINE_BYTES) for sign in (b",", b" ", b"\t", b";", b'"'))
            line = line[:cut] if cut > 0 else b""
        lines.append(line)
        size += len(line)
        if size >= _SAMPLE_BYTES:
            break
    return b"\n".join(lines)


def _high_bytes(sample: bytes) -> int:
    return sum(byte >= 0x80 for byte in sample)


def _most_alike(sample: bytes, enough: int) -> str | None:
    """Return the candidate whose letters fit best, and of equals the more usual; from `enough` bytes on it can be any encoding."""
    count = _high_bytes(sample)
    candidates = _WEST if count < _VERY_FEW_BYTES else _candidates(sample)
    best, found = max(
        ((_likeness(sample, name), name) for name in candidates),
        key=lambda pair: pair[0],
        default=(0.0, ""),
    )
    return found if best >= _LIKENESS and (count >= enough or found in _WEST) else None


def _candidates(sample: bytes) -> list[str]:
    """Return the encodings in which charset-normalizer finds the sample to be a text, the more usual first."""
    from charset_normalizer import from_bytes  # noqa: PLC0415 - most files need no detection

    matches = from_bytes(
        sample, cp_isolation=list(ENCODINGS), preemptive_behaviour=False, threshold=0.5
    )
    found = {canonical_encoding(name) for match in matches for name in match.could_be_from_charset}
    return [name for name in ENCODINGS if name in found]


def _likeness(sample: bytes, encoding: str) -> float:
    """Return how much of what is not ASCII is as in texts of an encoding: at most 1, and 0 or less for what is not text."""
    try:
        text = sample.decode(encoding)
    except UnicodeDecodeError:
        return -1
    letters: Counter[str] = Counter()
    apart = encoding in OTHER_SCRIPTS
    count = 0
    signs = 0.0
    for before, sign, after in zip(f" {text}", text, f"{text[1:]} ", strict=False):
        if sign.isascii():
            signs -= before.islower() and sign.isupper() and not before.isascii()
            continue
        count += 1
        if sign in _BROKEN_LEAD and not after.isalpha():
            continue
        if before.islower() and sign.isupper():
            signs -= 1
        elif apart and (_is_latin(before) or _is_latin(after)):
            signs -= 0.5
        elif sign.isalpha():
            letters[sign.lower()] += 1
        else:
            signs += _sign(before, sign, after)
    best = max(
        sum(number for letter, number in letters.items() if letter in known)
        for known in common_letters(encoding)
    )
    if encoding in WITH_KANA and KANA.isdisjoint(letters):
        signs -= _WITHOUT_KANA * count
    return (best + signs) / count - _HANDICAPS.get(encoding, 0) if count else -1


def _is_latin(sign: str) -> bool:
    return sign.isascii() and sign.isalpha()


def _sign(before: str, sign: str, after: str) -> float:
    if not sign.isprintable() and sign not in SYMBOLS and sign not in JOINING:
        return -2
    if before.isalpha() and after.isalpha() and sign not in JOINING:
        return -1
    return 0.8 if sign in SYMBOLS else -0.5
