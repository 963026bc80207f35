"""What lies in deploy/ agrees with the code: metrics, settings, commands, users; and real tools take it."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from prometheus_client.parser import text_string_to_metric_families

from heliograph.api.openapi import build_openapi
from heliograph.base.metrics import Figures, observe_request, render_metrics
from heliograph.base.provider_metrics import ProviderFigures
from heliograph.base.settings import load_settings
from heliograph.catalog.models import MODELS
from heliograph.cli.main import app
from heliograph.storage.opening import open_storage
from heliograph.storage.s3 import S3Storage
from support.source import ROOT

DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm/heliograph"
UNITS = sorted(DEPLOY.glob("*.service"))
USER = 10001

FIGURES = Figures(
    tasks={("m", "m", "success"): 1, ("m", "m", "pending"): 1},
    task_seconds=[0] * 11,
    task_seconds_sum=0,
    queue_depth=0,
    queue_oldest_seconds=0,
    webhook_attempts={},
    webhook_receivers={},
    unknown_outcomes={"p": 1},
    ledger_drift_micros=0,
    providers=ProviderFigures({"p": True}, {"p": 1}, {("p", "c"): 1}, {"p": 1}, {"e": 1}, {"p": 1}, {"p": 1}),
)  # fmt: skip

#: What Prometheus adds to everything it collects.
ADDED = {"up": {"job", "instance"}}


def text_of(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


class Strict(yaml.SafeLoader):
    """Takes no key twice, as Kubernetes does."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        assert len(keys) == len(set(keys)), (keys, node.start_mark)
        return super().construct_mapping(node, deep)


def documents(text: str) -> list[Any]:
    return [one for one in yaml.load_all(text, Strict) if one]


def labels_by_metric() -> dict[str, set[str]]:
    """Every name that can be asked for, with its labels."""
    observe_request("/health/live", "GET", 200, 0.1)
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(render_metrics(FIGURES).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def queries() -> Iterator[tuple[str, str]]:
    """Everything that anyone in deploy/ asks Prometheus, with where it stands."""
    for group in documents(text_of("prometheus/alerts.yaml"))[0]["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
    for panel in json.loads(text_of("grafana/dashboard.json"))["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
            for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
                yield panel["title"], f"by ({label}) ({target['expr']})"
    yield "KEDA", re.findall(r"query: (.+)", text_of("helm/heliograph/templates/workers.yaml"))[0]


def test_every_query_asks_for_metrics_and_labels_that_exist():
    known = labels_by_metric() | ADDED
    for place, query in queries():
        names = set(re.findall(r"\b(?:heliograph|process)_\w+|\bup\b", query))
        assert names, place
        assert names <= known.keys(), (place, names - known.keys())
        labels = {"job", "instance"}.union(*(known[name] for name in names))
        asked = set(re.findall(r"(\w+)=[~\"]", query))
        for group in re.findall(r"by \(([\w, ]+)\)", query):
            asked |= set(re.split(r", *", group))
        assert asked <= labels, (place, asked - labels)


def test_every_route_that_is_asked_for_exists():
    routes = set(build_openapi(MODELS)["paths"])
    asked = [route for _, query in queries() for route in re.findall(r'route="([^"]+)"', query)]
    assert asked
    assert set(asked) <= routes


def test_every_figure_that_needs_an_operator_has_an_alert_and_every_alert_says_what_to_do():
    rules = documents(text_of("prometheus/alerts.yaml"))[0]["groups"][0]["rules"]
    watched = set(re.findall(r"`(heliograph_\w+)` \|[^|]+\| (?:a|an|any|more|each|anything)\b",
                             (ROOT / "docs/operating/running.md").read_text()))  # fmt: skip
    asked = " ".join(rule["expr"] for rule in rules)
    for name in watched - {
        "heliograph_tasks_in_line",
        "heliograph_queue_depth",
    }:  # on the dashboard
        assert name in asked, name
    assert all(rule["annotations"].keys() == {"summary", "action"} for rule in rules)
    names = [rule["alert"] for rule in rules]
    tested = text_of("prometheus/alerts_test.yaml")
    assert len(names) == len(set(names))
    assert all(f"alertname: {name}" in tested for name in names)


def test_the_panels_of_the_dashboard_do_not_overlap():
    panels = json.loads(text_of("grafana/dashboard.json"))["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        place = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not taken & place, panel["title"]
        taken |= place
    assert len({panel["id"] for panel in panels}) == len(panels)


def filled_in(node: Any, values: dict[str, str]) -> Any:
    """What compose makes of ${NAME}, ${NAME:-default} and ${NAME:?message} anywhere in its file."""

    def value(match: re.Match[str]) -> str:
        name, kind, rest = match[1], match[2], match[3]
        if values.get(name):
            return values[name]
        assert kind == ":-", f"{name} has no value"
        return rest

    if isinstance(node, dict):
        return {name: filled_in(one, values) for name, one in node.items()}
    if isinstance(node, list):
        return [filled_in(one, values) for one in node]
    if isinstance(node, str):
        return re.sub(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}", value, node)
    return node


def compose() -> dict[str, Any]:
    lines = (line for line in text_of("example.env").splitlines() if re.match(r"\w+=", line))
    values = dict(line.split("=", 1) for line in lines)
    return dict(filled_in(documents(text_of("compose.yaml"))[0], values))


def arguments_are_good(arguments: list[str]) -> bool:
    """Whether the command line takes them; raises what it raises if not."""
    command = typer.main.get_command(app)
    return bool(command.commands[arguments[0]].make_context(arguments[0], arguments[1:]))


def test_compose_runs_commands_with_settings_that_the_service_takes(
    monkeypatch: pytest.MonkeyPatch,
):
    services = compose()["services"]
    for name in ("serve", "worker"):
        service = services[name]
        assert arguments_are_good(service["command"])
        assert service["read_only"] is True
        assert service["depends_on"]["postgres"]["condition"] == "service_healthy"
        environment = service["environment"]
        for variable, value in environment.items():
            if variable.startswith("AWS_"):
                monkeypatch.setenv(variable, value)
        settings = load_settings(environment)
        assert isinstance(open_storage(settings), S3Storage)
        assert (
            settings.database_url == "postgresql://heliograph:change-me-1@postgres:5432/heliograph"
        )
    assert services["worker"]["deploy"]["replicas"] == 2


def test_compose_names_nothing_that_is_not_there():
    file = compose()
    for name, service in file["services"].items():
        assert set(service.get("depends_on", {})) <= file["services"].keys()
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).exists(), source
            else:
                assert source in file["volumes"], source
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert service["image"] == "heliograph" or re.search(r":v?\d+", service["image"]), name


def test_the_image_is_built_of_what_the_ignore_file_lets_through():
    lines = text_of("Dockerfile").splitlines()
    kept = {line[1:] for line in text_of("Dockerfile.dockerignore").splitlines() if line[:1] == "!"}
    assert all((ROOT / name).exists() for name in kept)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {*wheel["force-include"], *project["project"]["license-files"]} <= kept
    copied = [shlex.split(line)[1] for line in lines if re.match(r"COPY (?!--from)", line)]
    assert {Path(source).parts[0] for source in copied if source != "."} <= kept
    last = lines[max(i for i, line in enumerate(lines) if line.startswith("FROM ")) :]
    assert f"USER {USER}:{USER}" in last
    assert any(f"--uid {USER}" in line for line in last)
    variables = dict(re.findall(r"\b(HELIOGRAPH_\w+)=(\S+)", "\n".join(last)))
    assert load_settings(variables).host == "0.0.0.0"
    command = json.loads(next(line for line in last if line.startswith("CMD "))[4:])
    assert arguments_are_good(command)


@pytest.mark.parametrize("unit", UNITS, ids=[unit.stem for unit in UNITS])
def test_a_unit_runs_a_command_that_exists_and_is_locked_in_like_the_others(unit: Path):
    def section(path: Path) -> dict[str, str]:
        parser = RawConfigParser(strict=False)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read(path)
        return dict(parser["Service"])

    service = section(unit)
    program, *arguments = shlex.split(service["ExecStart"])
    assert program.endswith("/bin/heliograph")
    assert arguments_are_good(arguments)
    name, _, value = service["Environment"].partition("=")
    assert load_settings({name: value})
    locks = {k: v for k, v in service.items() if re.match(r"(No|Cap|Amb|UMask|Pro|Priv|Restrict|Lock|System)", k)}  # fmt: skip
    assert len(locks) >= 18
    first = section(UNITS[0])
    assert locks == {key: first.get(key) for key in locks}


PROMTOOL = shutil.which("promtool")


@pytest.mark.skipif(PROMTOOL is None, reason="needs promtool: make test-deploy")
@pytest.mark.parametrize(
    "command",
    [("check", "config", "prometheus.yaml"), ("test", "rules", "alerts_test.yaml")],
    ids=" ".join,
)
def test_prometheus_takes_its_files_and_the_alerts_ring_when_they_should(command: tuple[str, ...]):
    done = subprocess.run(
        [str(PROMTOOL), *command],
        cwd=DEPLOY / "prometheus",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
