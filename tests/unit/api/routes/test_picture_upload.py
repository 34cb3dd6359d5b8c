"""A zip of pictures over HTTP: taken where workers may read files, refused elsewhere, and never a way to other files."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.unit.api.api_fixture import Stage, make_stage, problem_of
from vitrine.core.settings import Settings

PICTURE = b"\xff\xd8\xff\xe0 a picture"


@pytest.fixture
def reading_stage(tmp_path: Path) -> Stage:
    """A service whose workers may read files."""
    return make_stage(Settings(fetch_files=True, data_dir=tmp_path, max_upload_bytes=100_000))


def zipped(members: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return made.getvalue()


def send(stage: Stage, route: str, content: bytes, **fields: str) -> Any:
    return stage.client.post(route, files={"file": ("trial.zip", content)}, data=fields)


def test_a_zip_of_a_table_and_pictures_becomes_a_job(reading_stage: Stage, tmp_path: Path) -> None:
    stage = reading_stage
    content = zipped({"c.csv": b"id,image\n1,p/a.jpg\n2,/etc/passwd\n", "p/a.jpg": PICTURE})
    preview = send(stage, "/v1/preview", content).json()
    assert (preview["items"], preview["rejected_by_code"]) == (1, {"bad_url": 1})
    assert list(tmp_path.iterdir()) == []
    answer = send(stage, "/v1/jobs", content, collection="new")
    assert answer.status_code == 202, answer.text
    status = stage.ledger.status(answer.json()["job"]["id"])
    assert status.spec.file_root is not None
    root = Path(status.spec.file_root)
    assert root.parent == (tmp_path / "uploads").resolve()
    assert (root / "p/a.jpg").read_bytes() == PICTURE
    assert (status.images, status.rejected_rows) == (1, 1)


def test_a_service_that_reads_no_files_refuses_pictures(stage: Stage) -> None:
    for route, fields in (("/v1/preview", {}), ("/v1/jobs", {"collection": "new"})):
        problem = problem_of(
            send(stage, route, zipped({"a.jpg": PICTURE}), **fields), 422, "bad_input"
        )
        assert "does not read picture files" in problem["detail"]
        assert "VITRINE_FETCH_FILES=true" in problem["hint"]


@pytest.mark.parametrize("root", ["/etc", "file:///etc", "..", "C:\\"])
def test_a_folder_is_no_image_root_over_http(reading_stage: Stage, root: str) -> None:
    content = zipped({"c.csv": b"id,image\n1,passwd\n", "p/a.jpg": PICTURE})
    for route, fields in (("/v1/preview", {}), ("/v1/jobs", {"collection": "new"})):
        answer = send(reading_stage, route, content, image_root=root, **fields)
        problem = problem_of(answer, 422, "bad_input")
        assert problem["errors"][0]["field"] == "image_root"
