"""Workbooks written by hand: as small as they can be, and as hostile as they have to be."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape

Cell = str | int | float | bool | dt.date | None
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_STYLES = f'<styleSheet xmlns="{_MAIN}"><cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/></cellXfs></styleSheet>'
_EPOCH = dt.datetime.fromisoformat("1899-12-30")


class Error(str):
    """A cell with an error, such as `#REF!`."""

    __slots__ = ()


def xlsx(
    sheets: Mapping[str, Iterable[Sequence[Cell]]],
    *,
    hidden: Sequence[str] = (),
    more: Mapping[str, bytes] | None = None,
) -> bytes:
    """Return a workbook with these sheets of rows; a cell that is None is not written. `more` are further members."""
    names = list(sheets)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_TYPES}"/>',
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        + "".join(
            f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"{_state(name in hidden)}/>'
            for number, name in enumerate(names, 1)
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": _relations(
            [*(("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(names) + 1)), ("styles", "styles.xml")]
        ),
        "xl/styles.xml": _STYLES,
    }  # fmt: skip
    for number, name in enumerate(names, 1):
        parts[f"xl/worksheets/sheet{number}.xml"] = sheet_xml(enumerate(sheets[name], 1))
    return archive({name: text.encode() for name, text in parts.items()} | dict(more or {}))


def sheet_xml(rows: Iterable[tuple[int, Sequence[Cell]]]) -> str:
    """Return a sheet of numbered rows."""
    body = "".join(
        f'<row r="{number}">{"".join(_cell(f"{letters(place)}{number}", cell) for place, cell in enumerate(cells))}</row>'
        for number, cells in rows
    )
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{body}</sheetData></worksheet>'


def archive(members: Mapping[str, bytes]) -> bytes:
    """Return a zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return file.getvalue()


def ods(table: str) -> bytes:
    """Return an OpenDocument workbook with the XML of one table's rows."""
    declared = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    content = (
        f'<office:document-content {declared} office:version="1.2"><office:body><office:spreadsheet>'
        f'<table:table table:name="Products">{table}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    mimetype = b"application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        b'<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    )
    return archive(
        {"mimetype": mimetype, "META-INF/manifest.xml": manifest, "content.xml": content.encode()}
    )


def ods_row(*cells: str, repeated: int = 1) -> str:
    """Return a row of texts for `ods`."""
    inner = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{escape(cell)}</text:p></table:table-cell>'
        for cell in cells
    )
    return f'<table:table-row table:number-rows-repeated="{repeated}">{inner}</table:table-row>'


def letters(place: int) -> str:
    """Return a column's letters."""
    found = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        found = chr(65 + letter) + found
    return found


def _cell(place: str, cell: Cell) -> str:
    if cell is None:
        return ""
    kind, inner = _inner(cell)
    return f'<c r="{place}"{kind}>{inner}</c>'


def _inner(cell: str | float | dt.date) -> tuple[str, str]:
    if isinstance(cell, Error):
        return ' t="e"', f"<v>{cell}</v>"
    if isinstance(cell, str):
        return ' t="inlineStr"', f'<is><t xml:space="preserve">{escape(cell)}</t></is>'
    if isinstance(cell, bool):
        return ' t="b"', f"<v>{int(cell)}</v>"
    if isinstance(cell, dt.datetime):
        return ' s="2"', f"<v>{(cell - _EPOCH) / dt.timedelta(days=1)!r}</v>"
    if isinstance(cell, dt.date):
        return ' s="1"', f"<v>{(cell - _EPOCH.date()).days}</v>"
    return "", f"<v>{cell!r}</v>"


def _state(hidden: bool) -> str:
    return ' state="hidden"' if hidden else ""


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    inner = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_RELS}">{inner}</Relationships>'
