"""The table of catalog formats is the only list of formats."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import click

from api.routes.jobs import FORM
from api.static_files import FORMATS_MODULE, read_files
from producer.formats import ACCEPTED_SUFFIXES, FILE_FORMATS, FORMATS, PACKED, WHOLE_MARKS, Format
from producer.readers import READERS
from vitrine.cli.submit.command import submit


def test_every_format_is_described_and_every_file_has_a_reader() -> None:
    assert set(FORMATS) == set(Format)
    assert set(READERS) == set(FILE_FORMATS)


def test_a_suffix_stands_for_one_format() -> None:
    certain = [suffix for spec in FORMATS.values() for suffix in spec.suffixes]
    assert len(certain) == len(set(certain))
    assert all(suffix.startswith(".") for suffix in ACCEPTED_SUFFIXES)


def test_the_command_offers_all_of_them() -> None:
    option = next(parameter for parameter in submit.params if parameter.name == "format_name")
    assert isinstance(option.type, click.Choice)
    # Given an enum, click would offer the members' names.
    assert [type(choice) for choice in option.type.choices] == [str] * len(Format)
    assert [option.type.convert(name.value, option, None) for name in Format] == list(Format)


def test_the_command_s_help_names_all_of_them() -> None:
    assert submit.help is not None
    told = " ".join(submit.help.split())
    assert all(spec.title in told for spec in FORMATS.values())
    assert all(suffix in told for suffix in PACKED)


def test_http_offers_those_that_can_be_uploaded() -> None:
    assert FORM["format"]["enum"] == list(FILE_FORMATS)
    assert all(FORMATS[name].title in FORM["file"]["description"] for name in FILE_FORMATS)
    assert all(suffix in FORM["file"]["description"] for suffix in PACKED)


def test_the_page_s_list_is_made_of_it() -> None:
    module = read_files()[FORMATS_MODULE].body.decode()
    found: Mapping[str, Any] = {
        name: json.loads(value) for name, value in re.findall(r"export const (\w+) = (.+);", module)
    }
    assert tuple(found["WHOLE_MARKS"]) == WHOLE_MARKS == ("PAR1", "PK\x03\x04", "ÐÏ\x11à¡±\x1aá")
    assert found["ACCEPT"].split(",") == [*ACCEPTED_SUFFIXES, *PACKED]
    assert tuple(found["PACKED"]) == PACKED == (".gz", ".zst", ".xz", ".bz2", ".zip")
    assert all(FORMATS[name].title in found["FORMATS"] for name in FILE_FORMATS)
