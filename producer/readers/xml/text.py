"""The text of an XML document as UTF-8 pieces that a parser accepts, whatever the document's encoding.

The encoding is the one the caller gives, else that of the byte order mark, else the declared one, else UTF-8. The XML
declaration, lines to skip and anything blank before them become blanks, so that line numbers stay the file's own.

A byte that is not in the encoding does not end the document: it becomes U+FFFD, the piece says where, and its row is rejected.
Control characters, which XML forbids but exports contain, are read as blanks; they are counted for the report.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from typing import IO, NamedTuple, TypeAlias

from producer.row_errors import shown
from producer.text.encodings import canonical_encoding
from vitrine.core.errors import BadInput

CHUNK_BYTES = 64 * 1024
_DECLARATION_CHARS = 4096
"""The longest XML declaration, with the blanks before it, that is looked for."""
_BYTE_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARED = re.compile(rb"<\?xml\s[^>]{0,200}?\bencoding\s*=\s*[\"']([^\"'>]{1,40})[\"']")
_NOT_OF_DOCUMENTS = frozenset(
    {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}
)
"""Python's codecs for other things than documents; a document cannot choose one."""
_WEB_NAMES = {"ascii": "utf-8", "iso8859-1": "cp1252"}
"""Declared names that everybody, browsers included, reads as the wider encoding that is meant."""
_DECLARATION = re.compile(r"\s*<\?xml\s[^>]*\?>")
_NOT_LINE_ENDS = re.compile(r"[^\r\n]")
_LINE_END = re.compile(r"\r\n?|\n")
_FLAW = re.compile("[\udc80-\udcff\ufffe\uffff]+")
_CONTROLS = bytes([*range(9), 11, 12, *range(14, 32)])
_BLANKED = bytes.maketrans(_CONTROLS, b" " * len(_CONTROLS))
_REFERENCE = re.compile(rb"&#(?:x([0-9a-fA-F]{1,8})|([0-9]{1,10}));")
_REFERENCE_BYTES = 16
_REPLACEMENT = "\ufffd".encode()


Flaw: TypeAlias = tuple[int, str]
"""A character that stands for something that could not be decoded, after its place in bytes."""


class Piece(NamedTuple):
    """The next bytes of the document, and the flaws in them in order."""

    data: bytes
    flaws: Sequence[Flaw] = ()


class XmlText:
    """A document's pieces, for one pass; `notes` says what was corrected so far."""

    def __init__(
        self, stream: IO[bytes], head: bytes, name: str, told: str | None, skip: int
    ) -> None:
        """Raise `BadInput` if the document declares an encoding that is not known."""
        self._stream = stream
        self._encoding, self._note = find_encoding(head, name, told)
        self._skip = skip
        self._controls = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """Return one sentence per correction."""
        controls = (
            f"Characters that XML does not allow were read as blanks: {self._controls:,}."
            if self._controls
            else None
        )
        return tuple(note for note in (self._note, controls) if note)

    def pieces(self) -> Iterator[Piece]:
        """Yield the document; raises `UnicodeError` where it cannot be decoded further, and what its stream raises."""
        held = b""
        for text in self._texts():
            data = held + text.encode("utf-8", "surrogatepass")
            flaws: list[Flaw] = []
            if not text.isascii() and _FLAW.search(text):
                flaws, data = _flaws(text, held)
            data, held = (data, b"") if flaws else _before_open_reference(data)
            yield Piece(self._clean(data), flaws)
        yield Piece(self._clean(held))

    def explain(self, char: str) -> str:
        """Return what a flaw's character means, for the rejection of its row."""
        code = ord(char)
        if code >= 0xFFFE:
            return f"the character U+{code:04X}, which XML does not allow"
        encoding = self._encoding.removesuffix("-sig").upper()
        return (
            f"expected {encoding}, found the byte 0x{code - 0xDC00:02X}; "
            "save the file as UTF-8, or name its encoding"
        )

    def _texts(self) -> Iterator[str]:
        """Yield the decoded text, its beginning blanked."""
        begin = ""
        texts = self._without_skipped(self._decoded())
        try:
            while len(begin) < _DECLARATION_CHARS and (text := next(texts, None)) is not None:
                begin += text
        finally:  # what comes before an error is read
            yield _without_declaration(begin)
        yield from texts

    def _without_skipped(self, texts: Iterator[str]) -> Iterator[str]:
        """Replace the lines to skip by empty ones."""
        for text in texts:
            start = 0
            while self._skip and (match := _LINE_END.search(text, start)):
                self._skip -= 1
                start = match.end()
                yield "\n"
            if not self._skip:
                yield text[start:]

    def _decoded(self) -> Iterator[str]:
        # Encodings of wider units have no byte that could stand for itself.
        errors = "strict" if self._encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
        decoder = codecs.getincrementaldecoder(self._encoding)(errors)
        # What a damaged file holds before the damage is read, so no more at once than there is.
        read = getattr(self._stream, "read1", self._stream.read)
        while data := read(CHUNK_BYTES):
            yield decoder.decode(data)
        yield decoder.decode(b"", final=True)

    def _clean(self, data: bytes) -> bytes:
        blanked = data.translate(_BLANKED)
        if blanked != data:
            self._controls += len(data) - len(data.translate(None, _CONTROLS))
        return _REFERENCE.sub(self._checked_reference, blanked) if b"&#" in blanked else blanked

    def _checked_reference(self, match: re.Match[bytes]) -> bytes:
        code = int(match[1], 16) if match[1] else int(match[2])
        if code in (9, 10, 13) or 32 <= code < 0xD800 or 0xE000 <= code < 0xFFFE:
            return match[0]
        if 0x10000 <= code <= 0x10FFFF:
            return match[0]
        self._controls += 1
        return b" " * len(match[0])  # as long as before, so that flaws keep their places


def find_encoding(head: bytes, name: str, told: str | None) -> tuple[str, str | None]:
    """Return the codec, and a note if the declaration is wrong; raise `BadInput` for an encoding that is not known."""
    if told is not None:
        return told, None
    for mark, codec in _BYTE_MARKS:
        if head.startswith(mark):
            return codec, None
    if (match := _DECLARED.search(head)) is None:
        return "utf-8", None
    declared = match[1].decode("ascii", "replace")
    codec = _codec(declared, name)
    if codec.startswith(("utf-16", "utf-32")):
        return "utf-8", f"The file declares the encoding {declared} but is in UTF-8."
    return _WEB_NAMES.get(codec, codec), None


def _codec(declared: str, name: str) -> str:
    try:
        codec = canonical_encoding(declared)
    except ValueError:
        codec = ""
    if not codec or codec in _NOT_OF_DOCUMENTS:
        raise BadInput(
            f"{name} declares the encoding {shown(declared)}, which is not known.",
            hint="Name the encoding that it is in, or save it as UTF-8.",
        )
    return codec


def _without_declaration(begin: str) -> str:
    begin = begin.removeprefix("\ufeff")
    match = _DECLARATION.match(begin)
    if match is None:
        return begin
    return _NOT_LINE_ENDS.sub(" ", match[0]) + begin[match.end() :]


def _flaws(text: str, held: bytes) -> tuple[list[Flaw], bytes]:
    """Return the flaws of a text and its bytes, in which U+FFFD stands for each."""
    flaws: list[Flaw] = []
    data = bytearray(held)
    start = 0
    for match in _FLAW.finditer(text):
        data += text[start : match.start()].encode()
        flaws.append((len(data), match[0][0]))
        start = match.end()
        data += _REPLACEMENT * (start - match.start())
    data += text[start:].encode()
    return flaws, bytes(data)


def _before_open_reference(data: bytes) -> tuple[bytes, bytes]:
    """Split off a reference that is cut by the end of the piece, so that it is checked as a whole."""
    cut = data.rfind(b"&", max(0, len(data) - _REFERENCE_BYTES))
    if cut < 0 or b";" in data[cut:]:
        return data, b""
    return data[:cut], data[cut:]
