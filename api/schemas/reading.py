"""How an uploaded catalog is read: the form fields that a preview and a submission share."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator, model_validator

from api.schemas.base import Shape
from api.schemas.columns import split_columns
from producer.catalog import CatalogOptions
from producer.formats import Format
from producer.limits import MAX_URL_CHARS
from producer.presets import AUTO, NO_PRESET, PRESETS
from producer.text.encodings import canonical_encoding
from vitrine.core.schemes import scheme_of

PRESET_NAMES = (AUTO, NO_PRESET, *PRESETS)
MAX_NAME = 255  #: Characters of a column's name or an element's path.


class ReadingIn(Shape):
    """The text fields that say how the file is read; what is left out is detected."""

    url: str | None = Field(
        default=None,
        max_length=MAX_URL_CHARS,
        description="The catalog's URL, instead of a file. Its host is checked like those of pictures.",
        examples=["https://shop.example/feed.xml"],
    )
    format: Format | None = Field(
        default=None,
        description="Default: detected from the file's name, else from its first bytes.",
    )
    preset: str = Field(
        default=AUTO,
        description="The platform that exported the file. `auto` recognises it by its columns.",
    )
    id_column: str | None = Field(default=None, description="Default: the usual names of an id.")
    image_columns: list[str] = Field(
        default_factory=list,
        description="Comma-separated, or a JSON array. Default: the usual names of pictures.",
    )
    image_separator: str | None = Field(
        default=None, max_length=16, description="Separates the pictures in a cell."
    )
    image_root: str | None = Field(
        default=None,
        max_length=2048,
        description="The URL that relative picture paths start from.",
        examples=["https://shop.example/media/catalog/product"],
    )
    group_by: str | None = Field(
        default=None,
        max_length=MAX_NAME,
        description="Rows with one value in this column are merged into one item, whose id it is.",
    )
    encoding: str | None = Field(
        default=None,
        max_length=40,
        description="Of a text file. Default: detected.",
        examples=["cp1252"],
    )
    skip: int = Field(default=0, ge=0, le=1000, description="Lines to skip above the header.")
    row: str | None = Field(
        default=None,
        max_length=MAX_NAME,
        description="XML or JSON: the path of a row; Excel: the sheet. Default: detected.",
        examples=["channel/item"],
    )

    @model_validator(mode="before")
    @classmethod
    def _split(cls, given: Any) -> Any:
        return split_columns(given)

    @field_validator("preset")
    @classmethod
    def _known_preset(cls, name: str) -> str:
        if name not in PRESET_NAMES:
            raise ValueError(f"expected one of {', '.join(PRESET_NAMES)}")
        return name

    @field_validator("image_root")
    @classmethod
    def _a_url(cls, root: str | None) -> str | None:
        scheme = None if root is None else scheme_of(root)
        if root is not None and (scheme is None or not scheme.names_host):
            raise ValueError("expected a URL; folders are not read over HTTP")
        return root

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str | None) -> str | None:
        return None if name is None else canonical_encoding(name)

    def options(self) -> CatalogOptions:
        """As the producer takes them; pictures are never files of this machine."""
        return CatalogOptions(
            format=self.format,
            id=self.id_column,
            images=tuple(self.image_columns),
            image_separator=self.image_separator,
            image_root=self.image_root,
            preset=self.preset,
            group_by=self.group_by,
            encoding=self.encoding,
            skip=self.skip,
            row=self.row,
        )


READING_FORM: dict[str, Any] = {
    "url": {"type": "string", "description": "The catalog's URL, instead of a file."},
    "preset": {"type": "string", "enum": list(PRESET_NAMES), "default": AUTO},
    "image_root": {
        "type": "string",
        "description": "The URL that relative picture paths start from.",
    },
    "group_by": {"type": "string", "description": "Merge the rows with one value in this column."},
    "encoding": {"type": "string", "description": "Of a text file, such as cp1252."},
    "skip": {"type": "integer", "minimum": 0, "maximum": 1000, "default": 0},
    "row": {
        "type": "string",
        "description": "XML or JSON: the path of the element that is a row, such as channel/item or data.items; "
        "Excel: the sheet.",
    },
}
"""The same for the document of a form."""
