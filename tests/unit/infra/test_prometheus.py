"""Prometheus' configuration and rules, checked with Prometheus' own tool, and against compose and Grafana."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from tests.patience import PATIENCE
from tests.unit.infra.alert_cases import CASES, as_promtool


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not on the PATH (Debian's package prometheus brings it)")
    return found


@pytest.fixture(scope="module")
def rules(root: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((root / "infra/prometheus/rules.yml").read_text())
    return loaded


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_the_configuration_and_its_rules(
    promtool: str, root: Path, tmp_path: Path
) -> None:
    shutil.copytree(root / "infra" / "prometheus", tmp_path / "prometheus")
    config = tmp_path / "prometheus" / "prometheus.yml"
    key = tmp_path / "key"
    key.write_text("vitrine_0")
    # In production the key's file is in the container's memory; the tool checks that it exists.
    config.write_text(config.read_text().replace("/tmp/vitrine.key", str(key)))
    run(promtool, "check", "config", "--lint-fatal", str(config))


def test_the_alerts_fire_when_they_shall_and_only_then(
    promtool: str, rules: dict[str, Any], tmp_path: Path
) -> None:
    # Without annotations, which the tool would otherwise require in each expected alert.
    bare = {"groups": [without_words(group) for group in rules["groups"]]}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(bare))
    tests = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": as_promtool(CASES),
    }
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(tests))
    run(promtool, "test", "rules", str(tmp_path / "tests.yml"))


def without_words(group: dict[str, Any]) -> dict[str, Any]:
    kept = [{k: v for k, v in rule.items() if k != "annotations"} for rule in group["rules"]]
    return {**group, "rules": kept}


def test_every_alert_is_tested(rules: dict[str, Any]) -> None:
    assert [case.alert for case in CASES] == [rule["alert"] for rule in alerts(rules)]


def alerts(rules: dict[str, Any]) -> list[dict[str, Any]]:
    return [rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule]


def test_every_alert_says_what_is_wrong_and_what_to_do(rules: dict[str, Any]) -> None:
    for alert in alerts(rules):
        assert alert["labels"]["severity"] in {"critical", "warning"}, alert["alert"]
        assert set(alert["annotations"]) == {"summary", "description"}, alert["alert"]


def test_prometheus_reads_the_api_where_compose_has_it(
    root: Path, services: dict[str, dict[str, Any]]
) -> None:
    config = yaml.safe_load((root / "infra" / "prometheus" / "prometheus.yml").read_text())
    api, workers = config["scrape_configs"]
    assert api["static_configs"] == [{"targets": ["api:8080"]}]
    assert services["api"]["command"][-1] == "8080"
    assert workers["http_sd_configs"][0]["url"] == "http://api:8080/v1/metrics/targets"
    script = services["prometheus"]["entrypoint"][-1]
    assert api["authorization"]["credentials_file"] in script


def test_grafana_finds_its_dashboards_and_its_source(
    root: Path, services: dict[str, dict[str, Any]]
) -> None:
    folder = root / "infra" / "grafana"
    sources = yaml.safe_load((folder / "provisioning/datasources/prometheus.yml").read_text())
    [source] = sources["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in services
    providers = yaml.safe_load((folder / "provisioning/dashboards/vitrine.yml").read_text())
    mounted = {mount.split(":")[1] for mount in services["grafana"]["volumes"]}
    assert providers["providers"][0]["options"]["path"] in mounted
    boards = [orjson.loads(path.read_bytes()) for path in sorted(folder.glob("dashboards/*.json"))]
    assert len({board["uid"] for board in boards}) == len(boards) == 3
    panels = [panel for board in boards for panel in board["panels"] if panel["type"] != "row"]
    assert len(panels) > 25
    for panel in panels:
        assert panel["description"], panel["title"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {source["uid"]}
