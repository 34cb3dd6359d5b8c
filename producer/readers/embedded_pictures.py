"""Tables whose pictures are in the table itself, as Hugging Face's are: `image: {"bytes": …, "path": …}`.

A picture is passed on by its URL or path and never as bytes, so such a column is read by its `path` if that names URLs or
files. A table whose pictures are bytes and nothing else is refused, with the lines of Python that write them into a folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from producer.readers.header import has_picture
from producer.row import Row
from producer.row_errors import shown
from vitrine.core.errors import BadInput

_BYTES, _PATH = ".bytes", ".path"
_OTHER_MEDIA = ("audio", "video")
_TRIED = 20
"""Files that are looked for beside the table."""


@dataclass(frozen=True, slots=True)
class EmbeddedPictures:
    """The columns of a file that hold pictures as bytes: those with a path for each, and those without."""

    name: str
    folder: Path | None  #: Where relative paths start; None for a file that is not on this machine.
    with_path: tuple[str, ...]
    bare: tuple[str, ...]

    @classmethod
    def among(
        cls, names: Sequence[str], left_out: Sequence[str], name: str, folder: Path | None
    ) -> EmbeddedPictures | None:
        """Return those of a table with these columns, from which these bytes are left out; None if it has none."""
        columns = [column.removesuffix(_BYTES) for column in left_out]
        with_path = [
            column
            for column in columns
            if f"{column}{_PATH}" in names and not column.casefold().endswith(_OTHER_MEDIA)
        ]
        bare = [column for column in columns if column not in with_path and has_picture((column,))]
        return cls(name, folder, tuple(with_path), tuple(bare)) if with_path or bare else None

    def names_to_read(
        self, names: Sequence[str], sample: Iterable[Row], named: Sequence[str]
    ) -> tuple[tuple[str, ...], list[str]]:
        """Return the columns that are of use, and notes on the others; raise `BadInput` if no picture is left.

        `named` are the columns that the caller named: a path among them is used, whatever it holds.
        """
        rows = list(sample)
        paths = {f"{column}{_PATH}": column for column in self.with_path}
        used = [path for path in paths if path in named or self._leads_to_pictures(path, rows)]
        kept = tuple(name for name in names if name not in paths or name in used)
        others = [name for name in kept if name not in paths]
        if not used and not has_picture(others) and not set(named).intersection(others):
            raise self._refused(rows)
        notes = [f"the pictures in {shown(paths[path])} itself are not read, but those that {shown(path)} names" for path in used]  # fmt: skip
        unused = [*(column for path, column in paths.items() if path not in used), *self.bare]
        notes += [f"the pictures in {shown(column)} itself are not read" for column in unused]
        return kept, notes

    def _leads_to_pictures(self, path: str, rows: Sequence[Row]) -> bool:
        values = [value for row in rows if isinstance(value := row.values.get(path), str) and value]
        return any("://" in value for value in values) or any(
            self._is_file(value) for value in values[:_TRIED]
        )

    def _is_file(self, path: str) -> bool:
        try:
            return self.folder is not None and (self.folder / path).is_file()
        except (OSError, ValueError):
            return False

    def _refused(self, rows: Sequence[Row]) -> BadInput:
        column = (*self.with_path, *self.bare)[0]
        path = f"{column}{_PATH}"
        names = [value for row in rows if (value := row.values.get(path))]
        instead = (
            f" (its names, such as {shown(names[0])}, do not name files here)" if names else ""
        )
        other = f", or name {path!r} in --image if --image-root has such files" if names else ""
        return BadInput(
            f"{self.name} holds the pictures of {shown(column)} as bytes{instead}; they are read from URLs and files only.",
            hint=f"Write them into files{other}:\n{to_files(self.name, column, inner=column in self.with_path)}",
        )


def to_files(name: str, column: str, *, inner: bool) -> str:
    """Return Python that writes the pictures into files, and the other columns beside their names into JSON Lines."""
    table = f"{Path(name).stem}.jsonl"
    data = f"row.pop({column!r})" + ('["bytes"]' if inner else "")
    return (
        "import json, pathlib, pyarrow.parquet as parquet\n"
        f'pathlib.Path("pictures").mkdir(); table = open({table!r}, "w")\n'
        f"rows = (row for batch in parquet.ParquetFile({name!r}).iter_batches(64) for row in batch.to_pylist())\n"
        "for number, row in enumerate(rows):\n"
        f'    file = f"pictures/{{number}}.jpg"; pathlib.Path(file).write_bytes({data})\n'
        '    print(json.dumps({"id": number, **row, "image": file}, default=str), file=table)'
    )
