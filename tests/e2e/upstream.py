"""The paid upstream, in a process of its own, and what it was asked to do."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from support.service import environment

KEY = "sk-emulator"

UNLIMITED = {
    "HELIOGRAPH_DASHSCOPE_TASKS_IN_FLIGHT": "10000",
    "HELIOGRAPH_DASHSCOPE_STARTS_PER_SECOND": "10000",
    "HELIOGRAPH_DASHSCOPE_CHECKS_PER_SECOND": "10000",
}


class Upstream:
    """An emulated DashScope account."""

    def __init__(self, base_url: str, *, limits: bool) -> None:
        self.base_url = base_url
        self.settings = {
            "HELIOGRAPH_PROVIDERS": "dashscope",
            "HELIOGRAPH_DASHSCOPE_API_KEY": KEY,
            "HELIOGRAPH_DASHSCOPE_BASE_URL": base_url,
            "HELIOGRAPH_TRUSTED_NETWORKS": "127.0.0.0/8",
        } | ({} if limits else UNLIMITED)

    def told(self) -> dict[str, Any]:
        """What the emulator knows of its submits."""
        url = self.base_url.removesuffix("/api/v1") + "/_emulator/submits"
        told: dict[str, Any] = httpx2.get(url, timeout=10).json()
        return told

    def submits(self) -> Counter[str]:
        """How often each prompt was submitted."""
        return Counter(self.told()["posts"])


@contextmanager
def upstream(
    *, seconds: float, answer_seconds: float = 0, limits: bool = False
) -> Iterator[Upstream]:
    """One whose tasks take `seconds`; submits and pictures are answered after up to `answer_seconds`.

    With `limits` it grants what the real account grants, and the service is to keep to it.
    """
    options = ["--seconds", str(seconds), "--answer-seconds", str(answer_seconds)]
    options += ["--limits"] if limits else []
    with subprocess.Popen(
        [sys.executable, "-m", "support.slow_upstream", *options],
        env=environment({}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            yield Upstream(json.loads(process.stdout.readline())["base_url"], limits=limits)
        finally:
            process.kill()
