"""docker-compose.yml agrees with the code's settings, commands and versions, and exposes nothing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from pathlib import Path
from typing import Any, TypeAlias

import click
import pytest

from vitrine import __version__
from vitrine.cli.commands import COMMANDS, load_command
from vitrine.messaging.broker import VISIBILITY_TIMEOUT

Services: TypeAlias = dict[str, dict[str, Any]]

OURS = ("api", "worker", "worker-cpu", "flower")
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|API_KEY")
VARIABLE = re.compile(r"\$\{([A-Z_]+)([^}]*)\}")


def with_defaults(value: str) -> str:
    """Insert each variable's default, as compose does if .env does not set it."""
    return VARIABLE.sub(lambda found: found[2].removeprefix(":-"), value)


def seconds(duration: str) -> int:
    match = re.fullmatch(r"(\d+)s", duration)
    assert match, duration
    return int(match[1])


def test_the_services_are_those_of_the_production_shape(services: Services) -> None:
    assert set(services) == {"redis", "qdrant", "prometheus", "grafana", *OURS}


def test_every_image_is_pinned_to_a_full_version(services: Services) -> None:
    for name, service in services.items():
        tag = service["image"].rpartition(":")[2]
        assert re.match(r"v?\d+\.\d+\.\d+(-|$)", tag), f"{name}: {service['image']}"


def test_our_images_carry_the_version_of_the_code(services: Services) -> None:
    tags = {services[name]["image"].rpartition(":")[2] for name in OURS}
    assert tags == {__version__, f"{__version__}-cpu"}


def test_the_qdrant_server_is_within_a_minor_version_of_the_client(services: Services) -> None:
    server = re.search(r":v(\d+)\.(\d+)\.", services["qdrant"]["image"])
    client = importlib.metadata.version("qdrant-client").split(".")
    assert server
    assert server[1] == client[0]
    assert abs(int(server[2]) - int(client[1])) <= 1


def test_every_service_has_a_healthcheck_and_comes_back(services: Services) -> None:
    for name, service in services.items():
        assert service["healthcheck"]["test"], name
        assert service["restart"] == "unless-stopped", name


def test_only_what_people_look_at_opens_a_port_and_only_on_loopback(services: Services) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert set(published) == {"api", "flower", "grafana"}
    for name, ports in published.items():
        assert all(port.startswith("127.0.0.1:") for port in ports), name


def test_the_servers_sit_on_a_network_without_a_way_out(
    compose: dict[str, Any], services: Services
) -> None:
    assert compose["networks"]["back"] == {"internal": True}
    assert services["redis"]["networks"] == services["qdrant"]["networks"] == ["back"]
    assert not any("network_mode" in service for service in services.values())


def test_every_vitrine_variable_is_a_setting(
    compose_text: str, services: Services, settings_variables: set[str]
) -> None:
    used = {name for service in services.values() for name in service.get("environment", {})}
    used |= {match[1] for match in VARIABLE.finditer(compose_text)}
    named = {name for name in used if name.startswith("VITRINE_")}
    assert "VITRINE_REDIS_URL" in named
    assert named <= settings_variables


def test_a_secret_has_no_default(compose_text: str) -> None:
    secrets = [found for found in VARIABLE.finditer(compose_text) if SECRET.search(found[1])]
    assert {found[1] for found in secrets} == {
        "REDIS_PASSWORD", "QDRANT_API_KEY", "FLOWER_PASSWORD", "GRAFANA_PASSWORD",
        "PROMETHEUS_API_KEY", "VITRINE_API_KEYS",
    }  # fmt: skip
    for found in secrets:
        assert found[2].startswith(":?"), found[0]


def test_a_secret_is_never_written_out(services: Services) -> None:
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            if SECRET.search(variable) or "AUTH" in variable:
                assert ":?" in value, f"{name}: {variable}"


def test_a_secret_stands_in_no_command(services: Services) -> None:
    for name, service in services.items():
        parts = service.get("command", []) + service["healthcheck"]["test"]
        for variable in VARIABLE.finditer(" ".join(parts)):
            assert not SECRET.search(variable[1]), name


@pytest.mark.parametrize("name", OURS)
def test_a_command_exists_with_the_options_used(services: Services, name: str) -> None:
    program, command, *arguments = map(with_defaults, services[name]["command"])
    assert program == "vitrine"
    loaded = load_command(command, COMMANDS[command])
    try:
        loaded.make_context(command, arguments)
    except click.ClickException as error:
        pytest.fail(f"vitrine {command} {' '.join(arguments)}: {error.format_message()}")


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_runs_as_little_as_it_can(services: Services, name: str) -> None:
    service = services[name]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert any(mount.startswith("/tmp:") for mount in service["tmpfs"])


def test_the_api_has_keys_and_nobody_else_is_told_them(services: Services) -> None:
    holders = [
        name
        for name, service in services.items()
        if "VITRINE_API_KEYS" in service.get("environment", {})
    ]
    assert holders == ["api"]


def test_flower_asks_for_a_password(services: Services) -> None:
    assert services["flower"]["environment"]["FLOWER_BASIC_AUTH"].startswith("vitrine:${")


def test_no_service_reaches_into_the_host(services: Services) -> None:
    for name, service in services.items():
        assert not {"privileged", "cap_add", "devices", "pid", "ipc", "userns_mode"} & set(service)
        mounts = [mount.split(":")[0] for mount in service.get("volumes", [])]
        assert not any(mount.startswith(("/", "~")) for mount in mounts), name


@pytest.mark.parametrize("name", ["redis", "qdrant", "prometheus", "grafana"])
def test_a_server_gains_no_privileges_either(services: Services, name: str) -> None:
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    # The images of Prometheus (nobody) and Grafana (472) define their own users, as does Qdrant's unprivileged image.
    own = ("prom/", "grafana/")
    assert (
        service.get("user") == "redis"
        or service["image"].endswith("-unprivileged")
        or (service["image"].startswith(own))
    )


def test_a_worker_may_finish_before_its_messages_go_to_another(services: Services) -> None:
    for name in ("worker", "worker-cpu"):
        grace = seconds(services[name]["stop_grace_period"])
        assert 60 < grace < VISIBILITY_TIMEOUT


def test_each_machine_takes_the_worker_for_its_device(services: Services) -> None:
    gpu, cpu = services["worker"], services["worker-cpu"]
    assert (gpu["profiles"], cpu["profiles"]) == (["gpu"], ["cpu"])
    device = gpu["deploy"]["resources"]["reservations"]["devices"][0]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    assert "deploy" not in cpu


def test_data_lie_on_named_volumes(compose: dict[str, Any], services: Services) -> None:
    mounts = {
        name: [one.split(":")[0] for one in service.get("volumes", [])]
        for name, service in services.items()
    }
    assert "redis-data" in mounts["redis"]
    assert "qdrant-data" in mounts["qdrant"]
    assert "journal" in mounts["api"]
    assert "prometheus-data" in mounts["prometheus"]
    assert "grafana-data" in mounts["grafana"]
    named = {one for sources in mounts.values() for one in sources if not one.startswith(".")}
    assert named == set(compose["volumes"])


def test_what_is_mounted_from_the_repository_is_there(services: Services, root: Path) -> None:
    mounts = [mount for service in services.values() for mount in service.get("volumes", [])]
    own = [mount.split(":") for mount in mounts if mount.startswith("./")]
    assert own
    for source, _, mode in own:
        assert (root / source).exists()
        assert mode == "ro"


def test_the_module_that_checks_a_worker_exists(services: Services) -> None:
    *program, module = services["worker"]["healthcheck"]["test"][1:]
    assert program == ["python", "-P", "-m"]
    assert importlib.util.find_spec(module) is not None


def test_redis_starts_from_the_mounted_configuration(services: Services) -> None:
    mounted = [mount.split(":")[1] for mount in services["redis"]["volumes"]]
    script = services["redis"]["command"][-1]
    config = re.search(r"redis-server (\S+) -", script)
    assert config
    assert config[1] in mounted
    assert 'requirepass "$$REDIS_PASSWORD"' in script
