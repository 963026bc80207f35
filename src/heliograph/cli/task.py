"""`heliograph task`: what was asked, and what became of it."""

import enum
from collections.abc import Sequence
from typing import Any

import typer

from heliograph.cli.output import AsJson, print_json, print_record, print_table

app = typer.Typer(help="Tasks: list, show, cancel.", no_args_is_help=True)


class State(enum.StrEnum):
    """What can be asked for."""

    pending = "pending"
    processing = "processing"
    success = "success"
    failed = "failed"


@app.command("list")
def list_tasks(
    state: State = typer.Option(None, help="Only those in this state."),
    account: str = typer.Option(None, help="Only those of this account."),
    limit: int = typer.Option(50, min=1, max=1000),
    as_json: AsJson = False,
) -> None:
    """List tasks, the youngest first."""
    from heliograph.cli.service import with_pool
    from heliograph.tasks.observe.store import Wanted, list_details

    wanted = Wanted(limit, account, state=state)
    found = with_pool(lambda _, pool: list_details(pool, wanted))
    print_table([_line(one) for one in found], as_json=as_json, nothing="No tasks.")


@app.command()
def show(task_id: str, as_json: AsJson = False) -> None:
    """Show a task: its request, its calls to providers, its images and its money."""
    from heliograph.cli.service import with_pool
    from heliograph.ledger.money import dollars

    detail, attempts, moved = with_pool(lambda _, pool: _read(pool, task_id))
    cost_micros = sum(one["cost_micros"] or 0 for one in attempts)
    charged_micros = sum(one.amount_micros for one in moved if one.kind == "charge")
    transfers = [
        {"kind": one.kind, "dollars": dollars(one.amount_micros), "at": one.created_at}
        for one in moved
    ]
    record = _line(detail) | {
        "prompt": detail.request.get("prompt"),
        "fail_code": detail.fail_code,
        "fail_message": detail.fail_message,
        "warnings": detail.warnings,
        "scene": detail.scene,
        "cost": dollars(cost_micros),
        "margin": dollars(charged_micros - cost_micros),
    }
    if as_json:
        images = detail.images
        print_json(record | {"images": images, "attempts": attempts, "transfers": transfers})
        return
    print_record(record, as_json=False)
    for rows in (detail.images or [], attempts, transfers):
        if rows:
            typer.echo("")
            print_table(rows, as_json=False, nothing="")


@app.command()
def cancel(task_id: str, as_json: AsJson = False) -> None:
    """End a task that has not ended; what was held for it is given back."""
    from heliograph.cli.service import with_runtime
    from heliograph.tasks.cancel import cancel_task

    ended = with_runtime(lambda runtime: cancel_task(runtime, _task_id(task_id)))
    print_record({"task_id": ended.task_id.hex, "state": ended.state}, as_json=as_json)


async def _read(pool: Any, task_id: str) -> tuple[Any, list[dict[str, Any]], Sequence[Any]]:
    from heliograph.base.errors import NotFound
    from heliograph.ledger.store import read_transfers
    from heliograph.tasks.observe.store import read_attempts, read_detail

    wanted = _task_id(task_id)
    detail = await read_detail(pool, wanted)
    if detail is None:
        raise NotFound(f"There is no task {task_id}. heliograph task list names them.")
    return detail, await read_attempts(pool, wanted), await read_transfers(pool, wanted)


def _task_id(text: str) -> Any:
    from heliograph.base.errors import NotFound
    from heliograph.tasks.task import read_task_id

    task_id = read_task_id(text)
    if task_id is None:
        raise NotFound(f"{text} is no task id; one has 32 lower-case hex digits.")
    return task_id


def _line(detail: Any) -> dict[str, object]:
    return {
        "task_id": detail.task_id.hex,
        "state": detail.state,
        "model": detail.model,
        "mode": detail.mode,
        "test": detail.test,
        "provider": detail.provider,
        "images": f"{len(detail.paths)}/{detail.num_images}",
        "created_at": detail.created_at,
        "completed_at": detail.completed_at,
        "account_id": detail.account_id,
    }
