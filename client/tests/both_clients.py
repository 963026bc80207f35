"""`AsyncClient` dressed as a `Client`, so that one case tests both."""

import asyncio
import dataclasses
import inspect
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from heliograph_client import AsyncClient, Client
from heliograph_client._image import RemoteImage, Result
from hosted_api import Time

KINDS = ("sync", "async")


class Awaited:
    """Passes calls on to `thing`, and awaits what they give."""

    def __init__(self, thing: Any, runner: asyncio.Runner) -> None:
        self._thing = thing
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._thing, name)
        if not callable(found):
            return found
        return lambda *arguments, **options: self._settled(found(*arguments, **options))

    def _settled(self, given: Any) -> Any:
        if inspect.iscoroutine(given):
            given = self._runner.run(given)
        if isinstance(given, AsyncIterator):
            return self._iterate(given)
        if isinstance(given, Result):
            images = tuple(self._settled(image) for image in given.images)
            return dataclasses.replace(given, images=images)
        return Awaited(given, self._runner) if isinstance(given, RemoteImage) else given

    def _iterate(self, given: AsyncIterator[Any]) -> Iterator[Any]:
        async def following() -> Any:
            return await anext(given, None)

        try:
            while (item := self._runner.run(following())) is not None:
                yield item
        finally:
            self._runner.run(given.aclose())


@contextmanager
def opened(kind: str, *arguments: Any, time: Time | None = None, **options: Any) -> Iterator[Any]:
    """A client of this kind, for which `time` passes as the test says."""
    if kind == "sync":
        timing = {"sleep": time.sleep, "now": time.now} if time else {}
        with Client(*arguments, **timing, **options) as client:
            yield client
        return
    timing = {"sleep": time.asleep, "now": time.now} if time else {}
    with asyncio.Runner() as runner:

        async def start() -> AsyncClient:
            return AsyncClient(*arguments, **timing, **options)

        client = runner.run(start())
        try:
            yield Awaited(client, runner)
        finally:
            runner.run(client.close())
