"""The producer turns a catalog into a job: readers, columns, validation, chunks, back-pressure. It imports neither torch nor Pillow."""

from producer.catalog import Catalog, CatalogOptions, catalog_of, open_catalog
from producer.formats import Format
from producer.options_json import options_from_json, options_to_json
from producer.report import CatalogReport
from producer.source import Source, from_argument, from_path, from_stream
from producer.submit.backpressure import what_blocks
from producer.submit.resume import ResumedJob
from producer.submit.retry import retry_failures
from producer.submit.submission import Publish, Submission, inspect, refuse_empty, refuse_flawed

__all__ = [
    "Catalog",
    "CatalogOptions",
    "CatalogReport",
    "Format",
    "Publish",
    "ResumedJob",
    "Source",
    "Submission",
    "catalog_of",
    "from_argument",
    "from_path",
    "from_stream",
    "inspect",
    "open_catalog",
    "options_from_json",
    "options_to_json",
    "refuse_empty",
    "refuse_flawed",
    "retry_failures",
    "what_blocks",
]
