"""An incremental XML parser for documents that nobody trusts: Python's expat, without declarations, within limits.

The DOCTYPE of a document can name a DTD, which is not read; one that holds declarations is refused, so there are no entities to
expand. HTML's named characters (`&nbsp;`), which feeds use without declaring them, are known. Namespaces are left to the
caller, because feeds use prefixes that they do not declare.

Memory is bounded by the limits on a tag's or comment's length, on different names (expat keeps each of them), and on depth.
"""

from __future__ import annotations

from functools import cache
from html.entities import name2codepoint
from xml.parsers import expat

from producer.limits import MAX_CELL_CHARS

MAX_NAMES = 50_000
"""Different names of elements and attributes in a document."""
MAX_DEPTH = 1000
MAX_TOKEN_BYTES = MAX_CELL_CHARS
"""Bytes of one tag with its attributes, or of one comment; expat has to hold it."""
_ENDS_EARLY = (
    expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
    expat.errors.codes[expat.errors.XML_ERROR_PARTIAL_CHAR],
    expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION],
)
_FINAL = True
_BUILT_IN = frozenset({"amp", "lt", "gt", "quot", "apos"})


class XmlFlaw(Exception):
    """Raised if a document cannot be read further; becomes a `FileBrokenOff` with the document's name."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line
        self.why = why


class SafeParser:
    """The base of parsers: a subclass sets the handlers of `expat` and is fed with UTF-8."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        # The encoding is that of the pieces fed, not the one that the document declares.
        self.expat = expat.ParserCreate("utf-8", intern=self._names)
        self.expat.buffer_text = True
        self.expat.StartDoctypeDeclHandler = self._doctype
        self.expat.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_ALWAYS)
        self.expat.UseForeignDTD()
        self.expat.ExternalEntityRefHandler = self._instead_of_dtd
        self.fed = 0  #: Bytes so far; `expat.CurrentByteIndex` counts from the same start.
        self._held: list[bytes] = []
        self._held_size = 0
        self._pending = 0

    @property
    def holds_back(self) -> bool:
        """Return whether bytes were fed that are not parsed yet."""
        return bool(self._held)

    @property
    def line(self) -> int:
        """Return the line that the parser has come to."""
        return self.expat.CurrentLineNumber

    def feed(self, data: bytes, *, final: bool = False) -> None:
        """Parse the next bytes; raise `XmlFlaw` if they are not XML or exceed a limit."""
        self.fed += len(data)
        self._held.append(data)
        self._held_size += len(data)
        if self._held_size < self._pending and not final:
            return  # expat begins a tag again for each feed, so a long one would take quadratic time
        data, self._held, self._held_size = b"".join(self._held), [], 0
        try:
            self.expat.Parse(data, final)
        except expat.ExpatError as error:
            raise self._malformed(error, final=final) from error
        self._check_limits()

    def _malformed(self, error: expat.ExpatError, *, final: bool) -> XmlFlaw:
        if final and error.code in _ENDS_EARLY:
            ends = "before its last element does" if self._names else "without an element"
            return XmlFlaw(error.lineno, f"the file ends {ends}")
        why = expat.ErrorString(error.code)
        return XmlFlaw(error.lineno, f"the XML is malformed at character {error.offset + 1}: {why}")

    def _check_limits(self) -> None:
        self._pending = self.fed - max(self.expat.CurrentByteIndex, 0)
        if self._pending > MAX_TOKEN_BYTES:
            raise self.flaw_here(f"a tag or comment longer than {MAX_TOKEN_BYTES // 2**20} MiB")
        if len(self._names) > MAX_NAMES:
            raise self.flaw_here(
                f"more than {MAX_NAMES:,} different names of elements and attributes"
            )

    def flaw_here(self, why: str) -> XmlFlaw:
        """Return an error at the current line."""
        return XmlFlaw(self.line, why)

    def too_deep(self) -> XmlFlaw:
        """Return the error for elements within elements without end."""
        return self.flaw_here(f"elements nested more than {MAX_DEPTH:,} deep")

    def close(self) -> None:
        """Let go of the handlers, which refer back to this object."""
        self.expat.StartElementHandler = None
        self.expat.EndElementHandler = None
        self.expat.CharacterDataHandler = None
        self.expat.SkippedEntityHandler = None
        self.expat.StartDoctypeDeclHandler = None
        self.expat.ExternalEntityRefHandler = None

    def _doctype(self, *names_and_declarations: object) -> None:
        if names_and_declarations[-1]:
            raise self.flaw_here(
                "the DOCTYPE holds declarations; entity declarations are not read, so remove its part in brackets"
            )

    def _instead_of_dtd(self, context: str, *_: str | None) -> int:
        """Give expat HTML's named characters for the DTD, whichever one the document names."""
        self.expat.ExternalEntityParserCreate(context).Parse(_named_characters(), _FINAL)
        return 1


@cache
def _named_characters() -> bytes:
    return "".join(
        f'<!ENTITY {name} "&#{code};">'
        for name, code in name2codepoint.items()
        if name not in _BUILT_IN
    ).encode("ascii")


def local_name(name: str) -> str:
    """Return a name without its prefix."""
    return name.rpartition(":")[2]
