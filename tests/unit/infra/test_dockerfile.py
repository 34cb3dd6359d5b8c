"""infra/Dockerfile builds the targets of the compose file from existing paths, without root or secrets."""

from __future__ import annotations

import fnmatch
import json
import re
import tomllib
from pathlib import Path
from typing import Any, TypeAlias

import click
import pytest

from vitrine.cli.commands import COMMANDS, load_command

Stages: TypeAlias = dict[str, list[str]]
FINAL = ("api", "worker")


def instructions(stages: Stages, stage: str, kind: str) -> list[str]:
    """Return the arguments of each instruction of a kind."""
    return [line.split(" ", 1)[1] for line in stages[stage] if line.startswith(f"{kind} ")]


def test_every_target_and_file_that_compose_builds_exists(
    services: dict[str, dict[str, Any]], stages: Stages, root: Path
) -> None:
    builds = [service["build"] for service in services.values() if "build" in service]
    assert {build["target"] for build in builds} == set(FINAL)
    assert set(FINAL) <= set(stages)
    assert all((root / build["dockerfile"]).is_file() for build in builds)


def test_build_arguments_of_compose_are_declared(
    services: dict[str, dict[str, Any]], stages: Stages
) -> None:
    declared = {
        line.split("=")[0] for stage in stages for line in instructions(stages, stage, "ARG")
    }
    for service in services.values():
        assert set(service.get("build", {}).get("args", {})) <= declared


def test_the_base_image_is_pinned_and_every_stage_stands_on_it(stages: Stages) -> None:
    for stage, lines in stages.items():
        source = lines[0].split()[1]
        if stage == "base":
            assert re.fullmatch(r"python:3\.1[123]\.\d+-slim-[a-z]+", source)
        else:
            assert source in stages


def test_what_is_copied_exists_and_is_let_through(stages: Stages, root: Path) -> None:
    let_through = [
        line[1:]
        for line in (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    ]
    copied = [
        source
        for stage in stages
        for line in instructions(stages, stage, "COPY")
        if not line.startswith("--from=")
        for source in line.split()[:-1]
    ]
    assert "pyproject.toml" in copied
    for source in copied:
        assert (root / source).exists(), source
        assert any(
            fnmatch.fnmatch(source, kept) or source.startswith(f"{kept}/") for kept in let_through
        ), source


def test_everything_is_installed_under_the_constraints(stages: Stages) -> None:
    variables = " ".join(instructions(stages, "build", "ENV"))
    constraints = re.search(r"PIP_CONSTRAINT=/src/(\S+)", variables)
    assert constraints
    assert f"COPY {constraints[1]} {constraints[1]}" in stages["build"]


def test_the_extras_exist_and_only_the_worker_has_pytorch(stages: Stages, root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    installed = {
        stage: set(re.findall(r'"\.\[([a-z,]+)\]"', " ".join(stages[f"build-{stage}"])).pop().split(","))
        for stage in FINAL
    }  # fmt: skip
    assert set().union(*installed.values()) <= set(project["optional-dependencies"])
    assert "worker" in installed["worker"]
    assert not installed["api"] & {"worker", "standalone", "dev"}


@pytest.mark.parametrize("stage", FINAL)
def test_a_final_image_runs_as_a_numbered_user(stages: Stages, stage: str) -> None:
    assert instructions(stages, stage, "USER") == ["10001:10001"]
    assert "--uid 10001 --gid 10001" in " ".join(stages["base"])


@pytest.mark.parametrize("stage", FINAL)
def test_a_final_image_has_a_healthcheck(stages: Stages, stage: str) -> None:
    assert len(instructions(stages, stage, "HEALTHCHECK")) == 1


@pytest.mark.parametrize("stage", FINAL)
def test_the_default_command_exists_with_the_options_used(stages: Stages, stage: str) -> None:
    program, command, *arguments = json.loads(instructions(stages, stage, "CMD")[0])
    assert program == "vitrine"
    loaded = load_command(command, COMMANDS[command])
    try:
        loaded.make_context(command, arguments)
    except click.ClickException as error:
        pytest.fail(f"vitrine {command} {' '.join(arguments)}: {error.format_message()}")


def test_variables_of_vitrine_are_settings_and_none_is_a_secret(
    stages: Stages, settings_variables: set[str]
) -> None:
    lines = [
        line
        for stage in stages
        for kind in ("ENV", "ARG")
        for line in instructions(stages, stage, kind)
    ]
    names = {name for line in lines for name in re.findall(r"([A-Z_]+)=", line)}
    assert {name for name in names if name.startswith("VITRINE_")} <= settings_variables
    assert not [name for name in names if re.search(r"PASSWORD|SECRET|TOKEN|KEY", name)]
