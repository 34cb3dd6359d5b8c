"""The page's files: which are sent, to whom, and under which policy."""

from __future__ import annotations

import posixpath
import re

import pytest

from api.static_files import POLICY, open_paths, read_files
from tests.unit.api.api_fixture import Stage, make_stage, problem_of
from vitrine.core.api_keys import Keyring, Scope, new_key
from vitrine.core.settings import Settings

FILES = read_files()
FOREIGN = re.compile(r"https?://(?!www\.w3\.org/)[\w.]+|(?<![:\w])//[\w.-]+\.\w+/")


@pytest.mark.parametrize("path", ["/", *(f"/page/{name}" for name in FILES)])
def test_every_file_is_sent_to_who_has_no_key_and_under_the_policy(path: str) -> None:
    ring = Keyring([new_key("read", [Scope.READ])[1]])
    with make_stage(Settings(), ring).client as client:
        answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"].split(";")[0] in {
        "text/html", "text/css", "text/javascript", "image/svg+xml",
    }  # fmt: skip


def test_the_policy_lets_no_script_in_but_our_files() -> None:
    assert "script-src 'self';" in POLICY
    assert "default-src 'none'" in POLICY
    assert "unsafe" not in POLICY


@pytest.mark.parametrize("name", FILES)
def test_no_file_names_another_host(name: str) -> None:
    assert not FOREIGN.findall(FILES[name].body.decode())


def test_the_page_has_neither_inline_scripts_nor_inline_styles(stage: Stage) -> None:
    html = stage.client.get("/").text
    assert not re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", html)
    assert "style=" not in html
    assert not re.findall(r"\son\w+=", html)


def test_what_the_page_loads_is_there(stage: Stage) -> None:
    html = stage.client.get("/").text
    named = set(re.findall(r'(?:href|src)="(page/[^"]+)"', html))
    imports = {
        posixpath.normpath(posixpath.join("page", posixpath.dirname(file), name))
        for file in FILES
        if file.endswith(".js")
        for name in re.findall(r'from "(\.[^"]+)"', FILES[file].body.decode())
    }
    assert "page/main.js" in named
    assert "page/api.js" in imports
    assert {f"/{path}" for path in named | imports} <= open_paths(read_files())


def test_a_file_that_has_not_changed_is_not_sent_again(stage: Stage) -> None:
    first = stage.client.get("/page/main.js")
    again = stage.client.get("/page/main.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = stage.client.get("/page/main.js", headers={"If-None-Match": '"other"'})
    assert other.content == first.content


def test_a_file_that_is_none_of_the_page_s_is_a_404(stage: Stage) -> None:
    for name in ("nothing.js", "__init__.py", "..%2fapp.py"):
        problem_of(stage.client.get(f"/page/{name}"), 404, "not_found")


def test_the_page_can_only_be_looked_at(stage: Stage) -> None:
    assert stage.client.head("/").status_code == 200
    problem_of(stage.client.post("/"), 405, "method_not_allowed")


def test_the_page_is_no_part_of_the_document(stage: Stage) -> None:
    assert "/" not in stage.client.get("/openapi.json").json()["paths"]
