"""The emulator of DashScope behind a slow line: what it has done is answered late.

So there is a time in which a task is paid for upstream and nobody here knows its reference, and one
in which pictures are on their way.
`python -m support.slow_upstream --seconds 2 --answer-seconds 0.5`; the first line on stdout is
`{"base_url": …}`.
"""

import argparse
import asyncio
import json
import random
import sys

from starlette.requests import Request
from starlette.responses import Response

from support.dashscope_emulator import Emulator, base_url, listening, server_of


class SlowEmulator(Emulator):
    """Answers each submit, and each request for a picture, after up to `answer_seconds`, by chance."""

    answer_seconds: float = 0.0

    async def create(self, request: Request) -> Response:
        return await self._late(await super().create(request))

    async def result(self, request: Request) -> Response:
        return await self._late(await super().result(request))

    async def _late(self, answer: Response) -> Response:
        await asyncio.sleep(random.uniform(0, self.answer_seconds))
        return answer


def run(arguments: argparse.Namespace) -> None:
    emulator = SlowEmulator(seconds=arguments.seconds, limits=arguments.limits)
    emulator.answer_seconds = arguments.answer_seconds
    with listening(0) as listener:
        sys.stdout.write(json.dumps({"base_url": base_url(listener)}) + "\n")
        sys.stdout.flush()
        server_of(emulator).run(sockets=[listener])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--answer-seconds", type=float, default=0.5)
    parser.add_argument("--limits", action="store_true")
    run(parser.parse_args())
