"""Tasks that exist: list them, look at one, cancel it, delete what it holds."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Unpack
from urllib.parse import quote

from heliograph_client._api import Api
from heliograph_client._follow import status
from heliograph_client._options import TaskFilter
from heliograph_client._reading import camel
from heliograph_client._task import Task, TaskStatus, read_status, read_task
from heliograph_client._wire import Request
from heliograph_client.errors import Conflict

#: The most that the server puts into one page.
PAGE = 100

CANCELLED = "Cancelled"


async def list_tasks(api: Api, **wanted: Unpack[TaskFilter]) -> AsyncGenerator[Task, None]:
    """The tasks of the account, the youngest first, page by page as they are asked for."""
    left = wanted.pop("limit", None)
    query = {camel(name): str(value) for name, value in wanted.items() if value is not None}
    while left is None or left > 0:
        query["limit"] = str(PAGE if left is None else min(left, PAGE))
        tasks, cursor = await api.get(_read_page, Request("GET", "/api/v1/tasks", query=query))
        for one in tasks:
            yield one
        if cursor is None:
            return
        left = None if left is None else left - len(tasks)
        query["cursor"] = cursor


async def task(api: Api, task_id: str) -> Task:
    """Everything about one task."""
    return await api.get(read_task, Request("GET", _path(task_id)))


async def cancel(api: Api, task_id: str, model: str) -> TaskStatus:
    """End a task that has not ended. Raises Conflict when it ended by itself."""
    path = f"/api/v1/cancelTask/{quote(model, safe='')}"
    try:
        return await api.get(read_status, Request("POST", path, query={"taskId": task_id}))
    except Conflict:
        # The answer to a first try may have been lost on its way.
        found = await status(api, task_id, model)
        if found.fail_code == CANCELLED:
            return found
        raise


async def delete(api: Api, task_id: str) -> None:
    """Delete the texts, inputs and files of a task that has ended. Raises Conflict for an open one."""
    await api.send(Request("DELETE", _path(task_id)))


def _path(task_id: str) -> str:
    return f"/api/v1/tasks/{quote(task_id, safe='')}"


def _read_page(data: Mapping[str, Any]) -> tuple[list[Task], str | None]:
    return [read_task(one) for one in data["items"]], data.get("nextCursor")
