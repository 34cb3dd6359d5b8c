"""Settings from a TOML file: which file is used, which source takes precedence, and errors in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from vitrine.core.config_file import CONFIG_VARIABLE, config_file
from vitrine.core.errors import BadInput
from vitrine.core.load_settings import load


@pytest.fixture(autouse=True)
def no_usual_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Isolate the test from the user's configuration; return the home folder."""
    monkeypatch.delenv(CONFIG_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def written(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = folder / "shop.toml"
    path.write_text(text)
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    return path


def test_without_a_file_the_defaults_hold() -> None:
    assert config_file() is None
    assert load().model == "builtin"


def test_a_file_is_read_and_the_environment_and_options_count_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = 'model = "a"\ndevice = "cpu"\nfetch_allow = ["h", "10.0.0.0/8"]\nbatch_size = 4\n'
    written(tmp_path, text, monkeypatch)
    monkeypatch.setenv("VITRINE_DEVICE", "cuda")
    found = load(batch_size=8)
    assert (found.model, found.device, found.batch_size) == ("a", "cuda", 8)
    assert found.fetch_allow == ("h", "10.0.0.0/8")


@pytest.mark.skipif("sys.platform == 'darwin'", reason="macOS has another usual place")
def test_the_usual_file_is_found(no_usual_file: Path) -> None:
    usual = no_usual_file / "config" / "vitrine" / "config.toml"
    usual.parent.mkdir(parents=True)
    usual.write_text("batch_size = 3\n")
    assert load().batch_size == 3


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("model = \n", r"is not valid TOML: .*line 1"),
        ('modle = "a"\n', r"'modle' is not a vitrine setting\. Did you mean 'model'\?"),
        ('VITRINE_MODEL = "a"\n', r"Did you mean 'model'\?"),
        ("[zebra]\n", r"'zebra' is not a vitrine setting\. List them all"),
        ('batch_size = "many"\n', r"shop\.toml, batch_size: Input should be a valid integer"),
    ],
)
def test_what_is_wrong_in_it_is_named_with_its_place(
    text: str, why: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written(tmp_path, text, monkeypatch)
    with pytest.raises(BadInput, match=why):
        load()


def test_a_file_that_is_named_must_be_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "absent.toml"))
    with pytest.raises(BadInput, match=r"absent\.toml cannot be read: No such file"):
        load()
