"""Client commands: they talk HTTP to a server, with HELIOGRAPH_API_KEY and HELIOGRAPH_BASE_URL."""

import dataclasses
import datetime
import enum
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heliograph.cli.output import AsJson, print_json, print_record, print_table

if TYPE_CHECKING:
    from heliograph_client import Quote, Task

SHOWN_CHARACTERS = 48

Prompt = Annotated[str, typer.Argument(help="What to draw, in English or Chinese.")]
References = Annotated[
    list[str], typer.Option("--image", help="A reference image, file or URL; up to three.")
]
Count = Annotated[int, typer.Option("-n", "--count", min=1, max=4, help="How many pictures.")]
Ratio = Annotated[str, typer.Option(help="Aspect ratio, such as 16:9.")]
Negative = Annotated[str | None, typer.Option(help="What not to draw.")]
Out = Annotated[Path, typer.Option(help="Where to save them.")]
Model = Annotated[str, typer.Option(help="The model to ask.")]
Show = Annotated[
    bool | None,
    typer.Option("--show/--no-show", help="Show them here; by default in a terminal only."),
]
Curl = Annotated[
    bool, typer.Option("--curl", help="Print the request as a command for curl; send nothing.")
]
TaskId = Annotated[str, typer.Argument(help="The id that generate printed.")]

PICTURES = Path("heliograph-pictures")
WAN = "wan-2-5-image"


class State(enum.StrEnum):
    """What can be asked for."""

    pending = "pending"
    processing = "processing"
    success = "success"
    failed = "failed"


def generate(
    prompt: Prompt,
    image: References = [],  # noqa: B006 - typer copies it
    count: Count = 4,
    ratio: Ratio = "1:1",
    negative: Negative = None,
    out: Out = PICTURES,
    model: Model = WAN,
    show: Show = None,
    curl: Curl = False,
    as_json: AsJson = False,
) -> None:
    """Make pictures and save them."""
    from heliograph.cli.curl import curl_command
    from heliograph.cli.making import make
    from heliograph_client import Client

    with Client() as client:
        if curl:
            typer.echo(
                curl_command(
                    client.base_url,
                    model,
                    prompt,
                    images=image,
                    num_images=count,
                    aspect_ratio=ratio,
                    negative_prompt=negative,
                )
            )
            return
        task_id = client.submit(
            prompt,
            images=image,
            num_images=count,
            aspect_ratio=ratio,
            negative_prompt=negative,
            model=model,
        )
        paths = make(client, task_id, model, out, quiet=as_json)
    _present(task_id, paths, show=show, as_json=as_json)


def wait(
    task_id: TaskId,
    out: Out = PICTURES,
    model: Model = WAN,
    show: Show = None,
    as_json: AsJson = False,
) -> None:
    """Wait for the pictures of a task and save them."""
    from heliograph.cli.making import make
    from heliograph_client import Client

    with Client() as client:
        paths = make(client, task_id, model, out, quiet=as_json)
    _present(task_id, paths, show=show, as_json=as_json)


def status(task_id: TaskId, model: Model = WAN, as_json: AsJson = False) -> None:
    """Show the state of a task."""
    from heliograph_client import Client

    with Client() as client:
        found = dataclasses.asdict(client.status(task_id, model=model))
    if as_json:
        print_json(found)
        return
    print_record({k: v for k, v in found.items() if v not in (None, ())}, as_json=False)


def tasks(
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List your tasks, the youngest first."""
    from heliograph_client import Client

    with Client() as client:
        found = list(client.list(state=state, limit=limit))
    if as_json:
        print_json([dataclasses.asdict(one) for one in found])
        return
    print_table([_line(one) for one in found], as_json=False, nothing="No tasks.")


def cancel(task_id: TaskId, model: Model = WAN, as_json: AsJson = False) -> None:
    """End a task that has not ended; what was not made is paid back."""
    from heliograph_client import Client

    with Client() as client:
        ended = client.cancel(task_id, model=model)
    print_record({"task_id": ended.task_id, "state": ended.state}, as_json=as_json)


def quote(
    prompt: Prompt,
    image: References = [],  # noqa: B006 - typer copies it
    count: Count = 4,
    ratio: Ratio = "1:1",
    negative: Negative = None,
    model: Model = WAN,
    as_json: AsJson = False,
) -> None:
    """Say what pictures would cost; moves no money."""
    from heliograph_client import Client

    with Client() as client:
        found = client.quote(
            prompt,
            images=image,
            num_images=count,
            aspect_ratio=ratio,
            negative_prompt=negative,
            model=model,
        )
    if as_json:
        print_json(dataclasses.asdict(found))
        return
    print_record(_quoted(found), as_json=False)


def balance(as_json: AsJson = False) -> None:
    """Show what is left to spend, in dollars."""
    from heliograph_client import Client

    with Client() as client:
        left = client.balance()
    if as_json:
        print_json({"balance": left})
    else:
        typer.echo(f"${left:.4f}")


def models(as_json: AsJson = False) -> None:
    """List the models of the server, with modes and prices."""
    from heliograph_client import Client

    with Client() as client:
        found = client.models()
    if as_json:
        print_json([dataclasses.asdict(one) for one in found])
        return
    rows = [
        {
            "model": one.model_id,
            "mode": mode.mode,
            "price per image": f"${mode.price:g}",
            "ratios": " ".join(mode.aspect_ratios),
        }
        for one in found
        for mode in one.modes
    ]
    print_table(rows, as_json=False, nothing="The server has no models.")


def _present(task_id: str, paths: list[Path], *, show: bool | None, as_json: bool) -> None:
    if as_json:
        print_json({"task_id": task_id, "files": [str(path) for path in paths]})
        return
    for path in paths:
        typer.echo(path)
    if show or (show is None and sys.stdout.isatty()):
        from heliograph.cli.showing import show as show_pictures

        show_pictures(paths)


def _quoted(quote: "Quote") -> dict[str, object]:
    size = f"{quote.width}x{quote.height}"
    record: dict[str, object] = {
        "price": f"${quote.price:.4f}",
        "images": f"{quote.num_images} of {size}, ${quote.price_per_image:g} each",
        "balance": f"${quote.balance:.4f}, ${quote.balance_after:.4f} after it",
        "affordable": "yes" if quote.affordable else "no",
    }
    if quote.expected_seconds:
        expected = quote.expected_seconds
        record["time"] = f"about {expected.p50:g} s, nine of ten at most {expected.p90:g} s"
    if quote.warnings:
        record["warnings"] = " ".join(quote.warnings)
    return record


def _line(task: "Task") -> dict[str, object]:
    created = datetime.datetime.fromtimestamp(task.create_time / 1000, datetime.UTC)
    prompt = " ".join((task.prompt or "").split())
    cut = prompt if len(prompt) <= SHOWN_CHARACTERS else prompt[: SHOWN_CHARACTERS - 1] + "…"
    return {
        "task_id": task.task_id,
        "state": task.state,
        "images": f"{len(task.urls)}/{task.num_images}",
        "created": created,
        "prompt": cut,
    }
