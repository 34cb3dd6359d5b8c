"""Labelled pictures of a catalog, from its rows, a label column and, optionally, a split column."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

from producer import Catalog, CatalogOptions, Format, from_argument, open_catalog
from vitrine.cli.common.output import counted, say
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
    """Counts of rejected rows by the producer's code, or `no_label`."""


def read_labelled(
    target: str, options: CatalogOptions, columns: LabelColumns, *, limit: int, seed: int
) -> LabelledCatalog:
    """Read a catalog file or folder; of more than `limit` pictures, take a random sample of that size.

    Invalid rows are printed and counted. Raises `BadInput` if there is no label column or no labelled picture.
    """
    with closing(from_argument(target)) as source, open_catalog(source, options) as catalog:
        reading = _Reading(catalog, columns)
        pictures = random_sample(reading.pictures(), limit, seed, lambda picture: picture.key)
    _tell(reading.rejected)
    if not pictures:
        raise BadInput(f"{catalog.name} has no picture with a label.")
    return LabelledCatalog(pictures, reading.label or "", reading.rejected)


class _Reading:
    """One pass over a catalog."""

    def __init__(self, catalog: Catalog, columns: LabelColumns) -> None:
        self._catalog = catalog
        self._columns = columns
        self._folder = catalog.format is Format.FOLDER and columns.label is None
        self.label: str | None = columns.label or ("folder" if self._folder else None)
        self.rejected: Counter[str] = Counter()
        self._told = 0
        self._checked = False

    def pictures(self) -> Iterator[LabelledPicture]:
        """Stream every labelled picture."""
        for row in self._catalog:
            if isinstance(row, RejectedRow):
                self._reject(row.code, str(row))
            else:
                yield from self._of(row)

    def _of(self, item: CatalogItem) -> Iterator[LabelledPicture]:
        if not self._checked:
            self._check_columns(item)
        label = self._text(item, self.label)
        if self._folder:
            label = os.path.basename(label)
        if not label:
            self._reject("no_label", f"{self._catalog.name}: {item.id!r} has no {self.label}")
            return
        group = self._text(item, self._columns.group) or item.id
        part = self._part(item)
        for index, source in enumerate(item.images):
            yield LabelledPicture(picture_key(item.id, index), label, source, group, part)

    def _check_columns(self, item: CatalogItem) -> None:
        """Choose the label column and refuse unknown names; called at the first row, when the columns are known."""
        # The catalog's fields are those of its first thousand rows, including this one.
        known = {self._catalog.columns.id, *item.payload, *(self._catalog.payload or {})}
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

    def _reject(self, code: str, message: str) -> None:
        self.rejected[code] += 1
        self._told += 1
        if self._told <= SHOWN_PROBLEMS:
            say(message)


def picture_key(item_id: str, index: int) -> str:
    """Return the name of a picture: its item's id, plus its position if it is not the item's first."""
    return item_id if index == 0 else f"{item_id}#{index}"


def as_label(value: PayloadValue) -> str:
    """Return a field's value as a label; empty for a list or None."""
    return "" if value is None or isinstance(value, list) else str(value).strip()


def _tell(rejected: Counter[str]) -> None:
    total = sum(rejected.values())
    if total:
        codes = ", ".join(f"{code} {count:,}" for code, count in sorted(rejected.items()))
        say(f"{counted(total, 'row')} without a labelled picture: {codes}")


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
