"""Labelled pictures of a catalog, from its rows, a label column and, optionally, a split column.

Each row is a picture, or several. Rows that share an id are pictures of one product, so they are in one group; a row
without an id is a product of its own.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace

from producer import Catalog, CatalogOptions, Format, from_argument, open_catalog
from vitrine.cli.common.output import counted, say
from vitrine.cli.evaluate.picture_keys import PictureKeys
from vitrine.cli.jobs.view import by_count
from vitrine.core.broken_off import broken_off_notice, is_break
from vitrine.core.errors import BadInput
from vitrine.core.types import CatalogItem, PayloadValue, RejectedRow
from vitrine.evaluation.sample import LabelledPicture, SplitPart, parse_split_part, random_sample

LABEL_NAMES = ("label", "class", "class_name", "category", "product_type")
"""Names by which the label column is detected if none is given, in order of preference."""
SHOWN_PROBLEMS = 10


@dataclass(frozen=True, slots=True)
class LabelColumns:
    """The names of the special columns; None: detected (label) or not used."""

    label: str | None = None
    group: str | None = None
    split: str | None = None


@dataclass(slots=True)
class LabelledCatalog:
    """The pictures read from a catalog."""

    pictures: list[LabelledPicture]
    label: str  #: The column of the labels.
    rejected: Counter[str] = field(default_factory=Counter)
    """Pictures that cannot be used: rejected rows by the producer's code, `no_label` and `duplicate_picture`."""
    unsampled: int = 0  #: Labelled pictures that the random sample left out.


def read_labelled(
    target: str, options: CatalogOptions, columns: LabelColumns, *, limit: int, seed: int
) -> LabelledCatalog:
    """Read a catalog file or folder; of more than `limit` pictures, take a random sample of that size.

    Invalid rows are printed and counted. Raises `BadInput` if there is no label column or no labelled picture.
    """
    options = replace(options, any_id=True)
    with (
        closing(from_argument(target)) as source,
        open_catalog(source, options) as catalog,
        PictureKeys() as keys,
    ):
        reading = _Reading(catalog, columns, keys)
        pictures = random_sample(reading.pictures(), limit, seed, lambda picture: picture.key)
    _tell(reading.rejected)
    if not pictures:
        raise BadInput(f"{catalog.name} has no picture with a label.")
    unsampled = reading.labelled - len(pictures)
    return LabelledCatalog(pictures, reading.label or "", reading.rejected, unsampled)


class _Reading:
    """One pass over a catalog."""

    def __init__(self, catalog: Catalog, columns: LabelColumns, keys: PictureKeys) -> None:
        self._catalog = catalog
        self._columns = columns
        self._keys = keys
        self._folder = catalog.format is Format.FOLDER and columns.label is None
        self.label: str | None = columns.label or ("folder" if self._folder else None)
        self.rejected: Counter[str] = Counter()
        self.labelled = 0
        self._told = 0
        self._checked = False

    def pictures(self) -> Iterator[LabelledPicture]:
        """Stream every labelled picture."""
        for row in self._catalog:
            if isinstance(row, RejectedRow):
                self._reject(row.code, str(row), 1)
                if is_break(row):
                    say(broken_off_notice(row))
            else:
                yield from self._of(row)

    def _of(self, item: CatalogItem) -> Iterator[LabelledPicture]:
        if not self._checked:
            self._check_columns(item)
        label = self._text(item, self.label)
        if self._folder:
            label = os.path.basename(label)
        row = f"row {self._catalog.rows:,}"
        where = f"{self._catalog.name}: {repr(item.id) if item.id else row}"
        product = item.id or f"({row})"
        found = self._named(item, product)
        if repeated := len(item.images) - len(found):
            what = counted(repeated, "picture")
            self._reject("duplicate_picture", f"{where} repeats {what} of an earlier row", repeated)
        if not label:
            self._reject("no_label", f"{where} has no {self.label}", len(found))
            return
        self.labelled += len(found)
        part = self._part(item)
        for key, source in found:
            yield LabelledPicture(key, label, source, self._group(item, key) or product, part)

    def _named(self, item: CatalogItem, product: str) -> list[tuple[str, str]]:
        """Return key and source of each picture; one that an earlier row of its product had is left out."""
        # Rows without an id are different products, but a picture that two of them have is one picture.
        images = item.images if item.id else self._keys.new(item.id, item.images)
        return list(self._keys.of_row(product, images))

    def _check_columns(self, item: CatalogItem) -> None:
        """Choose the label column and refuse unknown names; called at the first row, when the columns are known."""
        # The catalog's fields are those of its first thousand rows, including this one.
        known = {self._catalog.columns.id, *item.payload, *(self._catalog.payload or {})} - {""}
        if self.label is None:
            self.label = next((name for name in LABEL_NAMES if name in known), None)
        if self.label is None:
            raise BadInput(
                f"{self._catalog.name} has no column named like a label ({', '.join(LABEL_NAMES)}).",
                hint="Name it with --label COLUMN.",
            )
        for name in (self.label, self._columns.group, self._columns.split):
            if name is not None and name not in known:
                has = ", ".join(sorted(known))
                raise BadInput(f"{self._catalog.name} has no column {name!r}; it has {has}.")
        self._checked = True

    def _group(self, item: CatalogItem, key: str) -> str:
        """Return the picture's group by its columns; empty if its product is the group."""
        if self._columns.group is None and self.label == self._catalog.columns.id:
            return key  # It has to find the product's other pictures, so it must not share a group with them.
        return self._text(item, self._columns.group)

    def _part(self, item: CatalogItem) -> SplitPart | None:
        if self._columns.split is not None:
            return parse_split_part(self._text(item, self._columns.split))
        if self._folder:
            above = os.path.dirname(self._text(item, "folder")).split(os.sep)
            return next((part for word in above if (part := parse_split_part(word))), None)
        return None

    def _text(self, item: CatalogItem, name: str | None) -> str:
        if name == self._catalog.columns.id:
            return item.id
        return as_label(item.payload.get(name)) if name else ""

    def _reject(self, code: str, message: str, pictures: int) -> None:
        self.rejected[code] += pictures
        self._told += 1
        if self._told <= SHOWN_PROBLEMS:
            say(message)


def as_label(value: PayloadValue) -> str:
    """Return a field's value as a label; empty for a list or None."""
    return "" if value is None or isinstance(value, list) else str(value).strip()


def _tell(rejected: Counter[str]) -> None:
    total = sum(rejected.values())
    if total:
        codes = by_count(rejected)
        say(f"{counted(total, 'picture')} left out: {codes}")


def read_class_names(path: str) -> dict[str, str]:
    """Read the names of classes: lines of a label and its words, separated by a tab or else by the first space.

    ImageNet's official list of categories has this form.
    """
    try:
        with open(os.path.expanduser(path), encoding="utf-8-sig") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"The class names {path!r} cannot be read: {_why(error)}.") from error
    names: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        label, _, words = line.partition("\t") if "\t" in line else line.partition(" ")
        if line.strip() and not (label.strip() and words.strip()):
            raise BadInput(f"{path}:{number}: expected a label and its words, found {line[:60]!r}.")
        if line.strip():
            names[label.strip()] = words.strip()
    return names


def _why(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or "unknown") if isinstance(error, OSError) else "it is not UTF-8"
