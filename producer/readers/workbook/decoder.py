"""A separate process that decodes one sheet of a workbook: the file on standard input, lines of JSON on standard output.

calamine holds a sheet in memory with every cell of its used area, and a workbook is a zip archive: a file of a few kilobytes
can claim a cell in the last column of the last row, or unfold to gigabytes. So the sizes in the archive's directory are
checked first, and it is decoded in a process with limits of memory and time (on Linux). `decoder_launcher` runs it.

::

    {"sheets": ["Products"], "visible": [0], "sheet": 0, "unpacked": 12345}     first
    {"column": 1}                                                               the first column with a cell, before the rows
    [5, ["00123", 19.99, {"date": "2026-01-02"}]]                               a row that is not blank, with its number
    {"row": 6, "flaw": "…"}                                                     a row that is too long
    {"end": {"errors": 0}}                                                      last; without it, the decoder did not survive
    {"refused": "…", "hint": "…"}                                               instead of what would come
"""

from __future__ import annotations

import datetime as dt
import mmap
import os
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

import orjson
import python_calamine as calamine

ZIP_MAGIC = b"PK\x03\x04"
_SHEETS = ("xl/workbook.xml", "xl/workbook.bin", "content.xml")
"""Members of an archive by which it is a workbook; `content.xml` is that of all OpenDocument files."""
_OTHERS = {
    "word/document.xml": "a Word document",
    "ppt/presentation.xml": "a PowerPoint presentation",
    "Index/Document.iwa": "an Apple Numbers, Pages or Keynote document",
}
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_PROTECTED = (
    "is a workbook with a password",
    "Save it without one (File, Info, Protect Workbook), or as CSV.",
)
_ERROR_CELL = b' t="e"'
_MAX_EXACT = 2**53
_KINDS = {dt.datetime: "datetime", dt.date: "date", dt.time: "time", dt.timedelta: "seconds"}
_ZIP_ERRORS = (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError, RuntimeError)
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class DecoderOptions:
    """The reader's options; `sheet` is a sheet's position, None for the first that is not hidden."""

    memory_bytes: int
    cpu_seconds: int
    sheet: int | None
    unpacked_bytes: int
    cells: int
    cell_chars: int
    row_chars: int


class FileRefused(Exception):
    """Raised if the file cannot be read; holds the reason and a hint."""

    def __init__(self, why: str, hint: str | None = None) -> None:
        super().__init__(why)
        self.hint = hint


def main(options: DecoderOptions) -> None:
    """Decode standard input to standard output."""
    limit_time(options.cpu_seconds)
    with os.fdopen(1, "wb", _CHUNK) as sink:
        try:
            file = os.fdopen(0, "rb", closefd=False)
            unpacked = check(file, options.unpacked_bytes)
            file.seek(0)
            workbook = calamine.CalamineWorkbook.from_filelike(file)
            contents = _contents(workbook, options.sheet)
            _send(sink, contents | {"unpacked": unpacked})
            send_rows(sink, workbook.get_sheet_by_index(contents["sheet"]), options)
            errors = 0
            with suppress(*_ZIP_ERRORS):  # every row was read all the same
                errors = count_errors(file)
            _send(sink, {"end": {"errors": errors}})
        except FileRefused as error:
            _refuse(sink, str(error), error.hint)
        except calamine.PasswordError:
            _refuse(sink, *_PROTECTED)
        except MemoryError:
            os._exit(1)
        except BaseException as error:  # noqa: BLE001 - what calamine panics with is not an Exception
            _refuse(sink, f"is not a workbook that can be read: {_reason(error)}")


def limit_time(seconds: int) -> None:
    """Limit this process to so much time of a processor."""
    with suppress(OSError, ValueError, ImportError):
        import resource  # noqa: PLC0415 - not on every system

        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def check(file: IO[bytes], most: int) -> int:
    """Return the unpacked size of a workbook that is an archive, else 0; raise `FileRefused` if it is no workbook or too large."""
    if file.read(len(ZIP_MAGIC)) != ZIP_MAGIC:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if data.find(_ENCRYPTED) >= 0:
                raise FileRefused(*_PROTECTED)
        return 0
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            mimetype = _mimetype(archive)
    except _ZIP_ERRORS as error:
        raise FileRefused(f"is a workbook that is cut off or damaged: {_reason(error)}") from error
    names = {member.filename for member in members}
    _refuse_others(names, mimetype)
    unpacked = sum(member.file_size for member in members)
    if unpacked > most:
        raise FileRefused(
            f"is a workbook of {unpacked:,} bytes unpacked; at most {most:,} are read",
            "Save the sheet as CSV.",
        )
    return unpacked


def send_rows(sink: IO[bytes], sheet: Any, options: DecoderOptions) -> None:
    """Send every row that is not blank."""
    if sheet.end is None:
        return
    rows, columns = sheet.end[0] + 1, sheet.end[1] + 1
    if rows * columns > options.cells:
        raise FileRefused(
            f"has a sheet {sheet.name[:60]!r} whose used area is {rows:,} rows by {columns:,} columns",
            "Delete the empty rows and columns behind the table, or save the sheet as CSV.",
        )
    _send(sink, {"column": sheet.start[1]})
    for number, cells in enumerate(sheet.iter_rows(), 1):
        if not any(cell != "" for cell in cells):
            continue
        line = orjson.dumps([number, [_value(cell) for cell in cells]])
        if len(line) > options.cell_chars and (why := _too_long(cells, len(line), options)):
            line = orjson.dumps({"row": number, "flaw": why})
        sink.write(line + b"\n")


def count_errors(file: IO[bytes]) -> int:
    """Return how many cells hold an error such as `#REF!`, which calamine reads as empty; 0 in other formats than `.xlsx`."""
    file.seek(0)
    if file.read(len(ZIP_MAGIC)) != ZIP_MAGIC:
        return 0
    with zipfile.ZipFile(file) as archive:
        return sum(
            _occurrences(archive, member.filename)
            for member in archive.infolist()
            if member.filename.startswith("xl/worksheets/") and member.filename.endswith(".xml")
        )


def _occurrences(archive: zipfile.ZipFile, name: str) -> int:
    found, rest = 0, b""
    with archive.open(name) as member:
        while chunk := member.read(_CHUNK):
            found += (rest + chunk).count(_ERROR_CELL)
            rest = chunk[1 - len(_ERROR_CELL) :]
    return found


def _contents(workbook: Any, sheet: int | None) -> dict[str, Any]:
    sheets = workbook.sheets_metadata
    if not sheets:
        raise FileRefused("is a workbook without a sheet")
    visible = [
        place
        for place, one in enumerate(sheets)
        if one.visible == calamine.SheetVisibleEnum.Visible
        and one.typ == calamine.SheetTypeEnum.WorkSheet
    ]
    names = [one.name for one in sheets]
    visible = visible or [0]
    return {"sheets": names, "visible": visible, "sheet": visible[0] if sheet is None else sheet}


def _mimetype(archive: zipfile.ZipFile) -> str:
    try:
        with archive.open("mimetype") as member:
            return member.read(100).decode("ascii", "replace")
    except KeyError:
        return ""


def _refuse_others(names: set[str], mimetype: str) -> None:
    what = next((what for member, what in _OTHERS.items() if member in names), None)
    if what is None and mimetype and not mimetype.endswith(("spreadsheet", "spreadsheet-template")):
        what = f"a document of the kind {mimetype!r}"
    if what is None and not names.intersection(_SHEETS):
        what = "a zip archive without a workbook in it"
    if what is not None:
        raise FileRefused(f"is {what}, not a table", "Export it as CSV or as an Excel workbook.")


def _value(cell: Any) -> Any:
    """Return a cell as JSON: whole numbers without a fraction, dates and times as objects with their kind."""
    if type(cell) is float:
        return int(cell) if cell.is_integer() and abs(cell) <= _MAX_EXACT else cell
    kind = _KINDS.get(type(cell))
    if kind is not None:
        return {kind: cell.total_seconds() if kind == "seconds" else cell.isoformat()}
    return cell if cell != "" else None


def _too_long(cells: list[Any], size: int, options: DecoderOptions) -> str | None:
    longest = max(len(cell) for cell in cells if isinstance(cell, str))
    if longest > options.cell_chars:
        return f"a cell of {longest:,} characters; at most {options.cell_chars:,} are read"
    if size > options.row_chars:
        return f"the row is longer than {options.row_chars:,} characters"
    return None


def _refuse(sink: IO[bytes], why: str, hint: str | None = None) -> None:
    _send(sink, {"refused": why, "hint": hint})


def _send(sink: IO[bytes], message: dict[str, Any]) -> None:
    sink.write(orjson.dumps(message) + b"\n")
    sink.flush()


def _reason(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(" .:")
