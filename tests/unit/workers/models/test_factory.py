"""Opening a model by name: which model is opened, and the one-sentence error if it cannot be."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import huggingface_hub.constants
import pytest
import torch

from vitrine.core.errors import BadInput, ModelUnavailable, VitrineError
from vitrine.core.types import model_name
from workers.models import transformers_model
from workers.models.factory import open_model

TinyModel: TypeAlias = Callable[[str], Path]


def refusal(name: str | Path, device: str = "cpu", dtype: str | None = None) -> VitrineError:
    with pytest.raises(VitrineError) as caught:
        open_model(str(name), device=device, dtype=dtype)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.fixture
def directory(tiny_model: TinyModel, tmp_path: Path) -> Path:
    """A copy of a valid directory, for tests to break."""
    return Path(shutil.copytree(tiny_model("mobilenet_v2"), tmp_path / "Some Model"))


@pytest.fixture
def silent_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A hub that accepts connections and never responds, with an empty cache."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr("workers.models.hub.TIMEOUT_SECONDS", 0.3)
        yield


def test_a_directory_is_opened_under_its_canonical_name(directory: Path) -> None:
    model = open_model(str(directory), device="auto" if not torch.cuda.is_available() else "cpu")
    assert model.name == model_name(str(directory)) == "some-model"
    assert model.device == "cpu"
    assert model.dimension == 1280
    assert len(model.revision) == 16


def test_the_builtin_model_needs_no_files() -> None:
    model = open_model("builtin", device="auto")
    assert model.name == "builtin"
    assert model.dimension > 0


def test_the_builtin_model_does_not_run_on_a_gpu() -> None:
    assert "only on the CPU" in str(refusal("builtin", device="cuda:0"))


def test_the_builtin_model_loads_no_torch() -> None:
    code = "import sys; from workers.models.factory import open_model; open_model('builtin', device='cpu'); "
    subprocess.run([sys.executable, "-c", code + "sys.exit('torch' in sys.modules)"], check=True)


def test_revision_follows_the_contents_and_not_the_place(directory: Path, tmp_path: Path) -> None:
    elsewhere = shutil.copytree(directory, tmp_path / "elsewhere")
    first = open_model(str(directory), device="cpu").revision
    assert open_model(str(elsewhere), device="cpu").revision == first
    settings = json.loads((elsewhere / "preprocessor_config.json").read_text())
    settings["image_mean"] = [0.4, 0.4, 0.4]
    (elsewhere / "preprocessor_config.json").write_text(json.dumps(settings))
    assert open_model(str(elsewhere), device="cpu").revision != first


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    assert "no model directory" in str(refusal(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("config.json", "has no config.json"),
        ("preprocessor_config.json", "has no preprocessor_config.json"),
        ("model.safetensors", r"has no weights (model.safetensors)"),
    ],
)
def test_a_missing_file_is_named(directory: Path, name: str, said: str) -> None:
    (directory / name).unlink()
    error = refusal(directory)
    assert isinstance(error, BadInput)
    assert said in str(error)


def test_pickled_weights_are_refused_with_the_way_out(directory: Path) -> None:
    (directory / "model.safetensors").rename(directory / "pytorch_model.bin")
    said = str(refusal(directory))
    assert "pytorch_model.bin" in said
    assert "Convert them to safetensors" in said


def test_a_missing_shard_is_named(directory: Path) -> None:
    (directory / "model.safetensors").rename(directory / "model-00001-of-00002.safetensors")
    table = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    index = directory / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": table}))
    assert "lacks model-00002-of-00002.safetensors" in str(refusal(directory))


def test_sharded_weights_are_opened(directory: Path) -> None:
    whole = open_model(str(directory), device="cpu")
    (directory / "model.safetensors").rename(directory / "model-00001-of-00001.safetensors")
    table = dict.fromkeys(("classifier.weight",), "model-00001-of-00001.safetensors")
    index = directory / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": table}))
    assert open_model(str(directory), device="cpu").dimension == whole.dimension


def test_damaged_weights_are_one_sentence(directory: Path) -> None:
    (directory / "model.safetensors").write_bytes(b"\xff" * 100)
    assert "transformers cannot load the model" in str(refusal(directory))


def test_an_unknown_family_is_named(directory: Path) -> None:
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**config, "model_type": "frobnicator"}))
    assert "frobnicator" in str(refusal(directory))


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_a_configuration_that_is_none_is_named(directory: Path, content: str) -> None:
    (directory / "config.json").write_text(content)
    assert "config.json" in str(refusal(directory))


def test_code_that_comes_with_a_model_is_not_run(directory: Path, tmp_path: Path) -> None:
    config = json.loads((directory / "config.json").read_text())
    config |= {"model_type": "foreign", "auto_map": {"AutoModel": "foreign.Model"}}
    (directory / "config.json").write_text(json.dumps(config))
    trace = tmp_path / "was-run"
    (directory / "foreign.py").write_text(f"open({str(trace)!r}, 'w').close()")
    assert "foreign" in str(refusal(directory))
    assert not trace.exists()


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:-1", "tpu:0", ""])
def test_a_device_that_does_not_exist_is_named(directory: Path, device: str) -> None:
    said = str(refusal(directory, device=device))
    assert repr(device) in said
    assert "auto, cpu, cuda and cuda:N" in said


def test_a_gpu_that_is_not_there_is_named(directory: Path) -> None:
    assert "cuda:99" in str(refusal(directory, device="cuda:99"))


def test_a_dtype_that_does_not_exist_is_named(directory: Path) -> None:
    assert "float32, bfloat16, float16" in str(refusal(directory, dtype="int4"))


def test_bfloat16_can_be_asked_for(directory: Path) -> None:
    assert open_model(str(directory), device="cpu", dtype="bfloat16").dimension == 1280


@pytest.mark.usefixtures("silent_hub")
def test_a_hub_that_does_not_answer_gives_one_sentence_with_two_ways_out() -> None:
    error = refusal("some-organisation/some-model")
    assert isinstance(error, ModelUnavailable)
    said = str(error)
    assert said.count(".") == 1
    assert "hub cannot be reached" in said
    assert "local directory" in said
    assert "built-in model" in said


@pytest.mark.usefixtures("silent_hub")
def test_a_model_in_the_cache_is_opened_although_the_hub_does_not_answer(
    directory: Path, tmp_path: Path
) -> None:
    cached = tmp_path / "cache" / "models--some-organisation--some-model"
    commit = "0123456789abcdef0123456789abcdef01234567"
    shutil.copytree(directory, cached / "snapshots" / commit)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    model = open_model("some-organisation/some-model", device="cpu")
    assert model.name == "some-organisation--some-model"
    assert model.revision == open_model(str(directory), device="cpu").revision


@pytest.mark.usefixtures("silent_hub")
def test_a_word_that_can_be_no_model_is_named() -> None:
    assert "'not a name!'" in str(refusal("not a name!"))


def test_opening_writes_nothing_on_stderr(directory: Path) -> None:
    code = "import sys; from workers.models.factory import open_model; open_model(sys.argv[1], device='cpu')"
    done = subprocess.run(
        [sys.executable, "-c", code, str(directory)], check=True, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert done.stdout == ""


def test_a_model_is_opened_in_a_thread_that_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    openers: list[threading.Thread] = []

    class Opened:
        def __init__(self, *_: object, **__: object) -> None:
            openers.append(threading.current_thread())

    monkeypatch.setattr(transformers_model, "TransformersModel", Opened)
    assert isinstance(open_model(str(tmp_path), device="cpu"), Opened)
    [opener] = openers
    assert not opener.is_alive()
