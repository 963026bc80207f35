"""`heliograph demo`: the whole service at work, from nothing, in one command."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from heliograph.cli.spoken import tell

if TYPE_CHECKING:
    from heliograph.base.settings import Settings

PROMPT = "a cinematic panda in snow"
CREDIT_MICROS = 10_000_000


def demo(
    prompt: str = typer.Argument(PROMPT, help="What to draw, in English or Chinese."),
    end: bool = typer.Option(False, "--exit", help="End the server afterwards."),
    out: Path = typer.Option(Path("heliograph-pictures"), help="Where to save the pictures."),
) -> None:
    """Start the service, make four pictures through its HTTP API, save them, and go on serving."""
    from heliograph.cli.demonstration import console_link, credentials, running_server

    settings = _settings()
    with running_server(settings) as url:
        account_id, key = credentials(settings, CREDIT_MICROS)
        tell(f"The server runs at {url}")
        typer.echo("")
        _generate(url, key, prompt, out)
        _say_next(url, settings.data_dir / "demo.json")
        if not end:
            tell(f"Console, once   {console_link(settings, account_id)}")
            typer.echo("")
            tell("The server goes on. Press Ctrl-C to end it.")
            _wait_for_interrupt()


def _settings() -> "Settings":
    """The usual settings, but quieter, and with a free port when the usual one is taken."""
    import msgspec

    from heliograph.base.errors import OperatorError
    from heliograph.cli.service import read_settings
    from heliograph.cli.serving import listen

    settings = read_settings()
    try:
        listen(settings.host, settings.port).close()
    except OperatorError:
        free = listen(settings.host, 0)
        settings = read_settings(port=free.getsockname()[1])
        free.close()
    return msgspec.structs.replace(settings, log_level="warning")


def _generate(url: str, key: str, prompt: str, out: Path) -> None:
    import time

    from heliograph.cli.making import make
    from heliograph_client import Client

    with Client(key, url) as client:
        before = client.balance()
        started = time.monotonic()
        task_id = client.submit(prompt)
        tell(f'Task {task_id}: "{prompt}", four pictures')
        for path in make(client, task_id, "wan-2-5-image", out, quiet=False):
            typer.echo(f"  {path}")
        left = client.balance()
        seconds = time.monotonic() - started
        typer.echo("")
        tell(f"Done in {seconds:.0f} s. Cost ${before - left:.2f}, balance ${left:.2f}")


def _say_next(url: str, credentials: Path) -> None:
    tell(f"Playground      {url}/")
    tell(f"API reference   {url}/docs")
    tell(f"Your demo key   {credentials}")


def _wait_for_interrupt() -> None:
    import signal
    import threading

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
