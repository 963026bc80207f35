"""The paid upstream, in a process of its own, and what it was asked to do."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

from support.service import environment

KEY = "sk-emulator"


class Upstream:
    """An emulated DashScope account."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.settings = {
            "HELIOGRAPH_PROVIDERS": "dashscope",
            "HELIOGRAPH_DASHSCOPE_API_KEY": KEY,
            "HELIOGRAPH_DASHSCOPE_BASE_URL": base_url,
            "HELIOGRAPH_TRUSTED_NETWORKS": "127.0.0.0/8",
        }

    def submits(self) -> Counter[str]:
        """How often each prompt was submitted."""
        url = self.base_url.removesuffix("/api/v1") + "/_emulator/submits"
        return Counter(httpx2.get(url, timeout=10).json()["posts"])


@contextmanager
def upstream(*, seconds: float, answer_seconds: float = 0) -> Iterator[Upstream]:
    """One whose tasks take `seconds`; submits and pictures are answered after up to `answer_seconds`."""
    options = ["--seconds", str(seconds), "--answer-seconds", str(answer_seconds)]
    with subprocess.Popen(
        [sys.executable, "-m", "support.slow_upstream", *options],
        env=environment({}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            yield Upstream(json.loads(process.stdout.readline())["base_url"])
        finally:
            process.kill()
