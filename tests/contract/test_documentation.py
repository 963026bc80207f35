"""The documentation says what is there: nothing is missing, and nothing is told that does not exist."""

import base64
import datetime
import json
import re
from collections.abc import Iterator

import click
import msgspec
import pytest
import standardwebhooks
import typer

from heliograph.api.openapi import build_openapi
from heliograph.base.errors import Fault
from heliograph.base.metrics import Figures, render_metrics
from heliograph.base.settings import CLIENT_NAMES, PREFIX, Settings, load_settings
from heliograph.catalog.models import MODELS
from heliograph.catalog.prices import ROUTES, load_prices
from heliograph.cli.main import app
from heliograph.providers.opening import MAKERS
from heliograph.providers.provider import FAIL_CODES
from heliograph.webhooks.sign import signed_headers
from support.source import ROOT

DOCS = ROOT / "docs"
NAMED = re.compile(r"`([^`]+)`")
COMPLETION = {"--install-completion", "--show-completion"}


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def rows_of(name: str) -> Iterator[list[str]]:
    """The cells of every line of every table, without the heads."""
    for line in text_of(name).splitlines():
        if line.startswith("| ") and not set(line) <= set("|- "):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def snippets(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(name), re.DOTALL | re.MULTILINE)


SETTINGS = {
    NAMED.findall(row[0])[0]: row
    for row in rows_of("reference/settings.md")
    if row[0].startswith(f"`{PREFIX}")
}
NOT_OF_THE_SERVICE = {f"{PREFIX}{name.upper()}" for name in {*CLIENT_NAMES, "config"}}
FIELDS = {f"{PREFIX}{field.name.upper()}": field for field in msgspec.structs.fields(Settings)}


def shown(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(shown, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_every_setting_is_documented_and_no_other():
    assert set(SETTINGS) == FIELDS.keys() | NOT_OF_THE_SERVICE


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_the_documented_default_of_a_setting_is_the_real_one(name: str):
    default = FIELDS[name].default
    documented = SETTINGS[name][2]
    if default in (None, ()):
        assert documented.startswith(("unset", "none", "`files`"))
    elif name not in (f"{PREFIX}PUBLIC_URL", f"{PREFIX}RENDER_PROCESSES"):
        assert NAMED.findall(documented)[0] == shown(default)


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_the_documented_example_of_a_setting_can_be_used(name: str):
    example = NAMED.findall(SETTINGS[name][3])[0]
    settings = load_settings({name: example})
    assert getattr(settings, name.removeprefix(PREFIX).lower()) != FIELDS[name].default


def fault_kinds(kind: type[Fault] = Fault) -> Iterator[type[Fault]]:
    for one in kind.__subclasses__():
        yield one
        yield from fault_kinds(one)


def words_of(kind: type[Fault]) -> str:
    """Of PaymentRequired: "Payment required"."""
    return " ".join(re.findall(r"[A-Z][a-z]+", kind.__name__)).capitalize()


def test_every_refusal_is_documented_with_cause_and_cure_and_no_other():
    documented = {row[0]: row for row in rows_of("reference/errors.md") if row[0].isdecimal()}
    assert {(row[0], row[1]) for row in documented.values()} == {
        (str(kind.status), words_of(kind)) for kind in fault_kinds()
    }
    assert all(len(row) == 4 and all(row) for row in documented.values())


def test_every_fail_code_is_documented_with_cause_and_cure_and_no_other():
    documented = [row for row in rows_of("reference/errors.md") if row[0].startswith("`")]
    assert {row[0].strip("`") for row in documented} == set(FAIL_CODES)
    assert all(len(row) == 3 and all(row) for row in documented)


def commands(
    command: click.Command | None = None, path: str = "heliograph"
) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with its full name."""
    command = command or typer.main.get_command(app)
    below = getattr(command, "commands", None)
    if below is None:
        yield path, command
        return
    for name, one in below.items():
        yield from commands(one, f"{path} {name}")


def documented_commands() -> dict[str, str]:
    """The text about each command by its name without arguments."""
    parts = re.split(r"^### `(.+?)`$", text_of("reference/cli.md"), flags=re.MULTILINE)
    heads = [re.sub(r"(?: \[?[A-Z_]+\]?)+$", "", head) for head in parts[1::2]]
    return dict(zip(heads, parts[2::2], strict=True))


def test_every_command_is_documented_and_no_other():
    assert sorted(documented_commands()) == sorted(name for name, _ in commands())


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_every_option_of_a_command_is_documented_and_no_other(name: str, command: click.Command):
    options = {
        spelling
        for parameter in command.params
        if parameter.param_type_name == "option"
        for spelling in parameter.opts
        if spelling != "--help"
    }
    documented = set(re.findall(r"`(--?[a-z-]+)", documented_commands()[name]))
    assert documented == options


def test_every_route_is_documented_and_no_other():
    paths: dict[str, dict[str, object]] = build_openapi(MODELS)["paths"]
    routes = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    documented = {
        route.partition("?")[0]
        for row in rows_of("reference/http-api.md")
        for route in NAMED.findall(row[0])
        if re.match(r"(GET|POST|PUT|PATCH|DELETE) /", route)
    }
    assert documented == routes


def test_the_documented_code_for_a_receiver_takes_our_notice_and_no_other():
    (code,) = snippets("reference/http-api.md", "python")
    names: dict[str, object] = {}
    exec(code, names)
    read_notice = names["read_notice"]
    assert callable(read_notice)
    secret = "whsec_" + base64.b64encode(bytes(range(24))).decode()
    body = b'{"code":200}'
    headers = signed_headers("n1", body, secret=secret, moment=datetime.datetime.now(datetime.UTC))
    assert read_notice(body, headers, secret) == {"code": 200}
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        read_notice(body + b" ", headers, secret)


def test_every_json_example_of_the_api_is_json():
    for name in ("reference/http-api.md", "reference/errors.md", "quickstart.md"):
        for example in snippets(name, "json"):
            json.loads(example)


def test_the_documented_prices_file_is_taken():
    (example,) = snippets("reference/prices.md", "toml")
    prices = load_prices(example, MODELS, MAKERS)
    assert prices.unit_price_micros("wan-2-5-image", "text-to-image", "official") == 35_000
    assert prices.unit_price_micros("wan-2-5-image", "image-to-image", "auto") == 40_000


def test_the_documented_prices_are_those_of_the_catalogue():
    prices = load_prices(None, MODELS, MAKERS)
    documented = {
        (NAMED.findall(row[0])[0], NAMED.findall(row[1])[0]): row[2]
        for row in rows_of("reference/prices.md")
        if len(row) == 3 and row[2].startswith("$")
    }
    assert documented == {
        (
            model.model_id,
            mode,
        ): f"${prices.unit_price_micros(model.model_id, mode, ROUTES[0]) / 1e6:g}"
        for model in MODELS.values()
        for mode in model.modes
    }


def test_every_metric_is_documented_and_no_other():
    figures = Figures(
        tasks={("m", "m", "success"): 1, ("m", "m", "pending"): 1},
        task_seconds=[0] * 11,
        task_seconds_sum=0,
        queue_depth=0,
        queue_oldest_seconds=0,
        webhook_attempts={},
        webhook_receivers={},
        unknown_outcomes={"p": 1},
        ledger_drift_micros=0,
    )
    types = re.findall(
        r"^# TYPE (heliograph_\w+) (\w+)$", render_metrics(figures).decode(), re.MULTILINE
    )
    documented = {
        name
        for row in rows_of("operating/running.md")
        for name in NAMED.findall(row[0])
        if name.startswith("heliograph_")
    }
    assert documented == {name for name, _ in types if not name.endswith("_created")}


def test_every_page_is_in_the_index_and_every_link_leads_somewhere():
    for folder in (DOCS, DOCS / "zh"):
        pages = {path.relative_to(folder).as_posix() for path in folder.rglob("*.md")}
        index = (folder / "README.md").read_text(encoding="utf-8")
        listed = {page for page in pages if page in index or page.startswith(("decisions/", "zh/"))}
        assert listed == pages - {"README.md"}
    for page in (*DOCS.rglob("*.md"), ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page}: {target}"
