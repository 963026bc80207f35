"""What the package promises: its names, one set of methods, a quick import, one dependency."""

import inspect
import io
import os
import re
import subprocess
import sys
import tokenize
import typing
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

import heliograph_client
from heliograph_client import AsyncClient, AsyncImage, Client, Image, errors

PROJECT = Path(__file__).parents[1]

#: What pip fetches with the wheel: httpx2, and what that needs.
FETCHED_BESIDES = (
    "httpx2",
    "httpcore2",
    "anyio",
    "idna",
    "h11",
    "truststore",
    "typing-extensions",
)


def methods(kind: type) -> dict[str, object]:
    return {
        name: value
        for name, value in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


def test_every_public_name_is_there_and_sorted():
    assert heliograph_client.__all__ == sorted(heliograph_client.__all__)
    assert all(hasattr(heliograph_client, name) for name in heliograph_client.__all__)


def test_every_error_is_exported_and_drawn_in_the_tree():
    classes = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert errors.__doc__ is not None
    drawn = set(re.findall(r"[A-Z][a-z]\w+(?= |\n)", errors.__doc__.split("\n\n")[1]))
    assert classes <= set(heliograph_client.__all__)
    assert classes <= drawn


@pytest.mark.parametrize(("plain", "awaited"), [(Client, AsyncClient), (Image, AsyncImage)])
def test_both_kinds_have_the_same_methods_with_the_same_parameters(plain: type, awaited: type):
    assert methods(plain).keys() == methods(awaited).keys()
    for name, method in methods(plain).items():
        other = methods(awaited)[name]
        assert inspect.signature(method).parameters == inspect.signature(other).parameters, name


def test_every_option_is_described_where_it_is_asked_for():
    described = inspect.getdoc(Client.submit) or ""
    for option in typing.get_type_hints(heliograph_client.TaskOptions):
        assert f"`{option}`" in described
    filters = inspect.getdoc(Client.list) or ""
    for wanted in typing.get_type_hints(heliograph_client.TaskFilter):
        assert f"`{wanted}`" in filters


def import_milliseconds() -> float:
    """How long the import keeps the processor busy; others on a busy machine take its time."""
    code = "import time; t = time.process_time(); import heliograph_client; print(time.process_time() - t)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout) * 1000


def test_the_import_is_quick_because_the_network_comes_later():
    code = "import sys, heliograph_client; print({'httpx2', 'asyncio', 'ssl'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
    print(f"\nimport heliograph_client: {import_milliseconds():.0f} ms")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", folder, PROJECT], check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_package_alone_with_its_types(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = (name for name in names if name.endswith("METADATA"))
        text = archive.read(metadata).decode()
    assert "heliograph_client/py.typed" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"heliograph_client"}
    assert re.findall(r"^Requires-Dist: (.+)$", text, re.MULTILINE) == ["httpx2>=2.16"]
    assert "Requires-Python: >=3.11" in text


def test_the_wheel_works_in_an_environment_of_its_own(wheel: Path, tmp_path: Path):
    venv.create(tmp_path, with_pip=False, symlinks=True)
    (packages,) = tmp_path.glob("lib/python3*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    for name in FETCHED_BESIDES:
        files = distribution(name).files or []
        for top in {file.parts[0] for file in files if ".." not in file.parts}:
            (packages / top).symlink_to(distribution(name).locate_file(top))
    code = (
        "from heliograph_client import AsyncClient, Client, NoAnswer\n"
        "try: Client('key', 'http://127.0.0.1:9', max_retries=0).balance()\n"
        "except NoAnswer as error: print(error)\n"
    )
    done = subprocess.run(
        [tmp_path / "bin" / "python", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": ""},
    )
    assert done.stdout.startswith("http://127.0.0.1:9 does not answer"), done.stderr


def test_nothing_but_the_two_wires_touches_the_network_library():
    users = {
        path.name
        for path in (PROJECT / "src").rglob("*.py")
        if "httpx2" in {token.string for token in _tokens(path)}
    }
    assert users == {"_http.py"}


def _tokens(path: Path) -> list[tokenize.TokenInfo]:
    return list(tokenize.generate_tokens(io.StringIO(path.read_text()).readline))
