"""Submits: how many requests a second are accepted for work, asked by wrk."""

import contextlib
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import servers
from clients import LITELLM_BODY, MODEL, PROMPT

import load

CONNECTIONS = 32

SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
%s
wrk.body = '%s'
function done(summary)
  io.write(string.format("refused=%%d\\n", summary.errors.status))
end
"""


@contextlib.contextmanager
def measure_all(bench: servers.Bench) -> Iterator[dict[str, Callable[[], float]]]:
    with (
        servers.stub(bench.folder) as upstream,
        servers.ours(bench, upstream, "--no-worker") as ours,
        servers.litellm(bench.folder, upstream) as litellm,
        servers.cog(bench.folder) as cog,
    ):
        our_url = f"{ours.url}/api/v1/generateTask/{MODEL}"
        key = {"Authorization": f"Bearer {servers.LITELLM_KEY}"}
        their_url = f"{litellm.url}/v1/images/generations"
        later = {"Prefer": "respond-async"}
        yield {
            "ours": lambda: load.measure(
                our_url, bench.keys, bench.folder, submit=True, seconds=bench.seconds
            ),
            "LiteLLM": lambda: accepted(bench, their_url, key, LITELLM_BODY),
            "Cog": lambda: accepted(
                bench, f"{cog.url}/predictions", later, {"input": {"prompt": PROMPT}}
            ),
        }


def accepted(bench: servers.Bench, url: str, headers: dict[str, str], body: object) -> float:
    """Answers of 2xx a second; Cog refuses what comes while all its places are taken."""
    script = bench.folder / "peer.lua"
    lines = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items())
    script.write_text(SCRIPT % (lines, json.dumps(body)))
    said = _wrk(script, url, bench.seconds)
    total, took = re.search(r"(\d+) requests in ([\d.]+)s", said).groups()
    refused = re.search(r"refused=(\d+)", said)[1]
    return (int(total) - int(refused)) / float(took)


def _wrk(script: Path, url: str, seconds: int) -> str:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s"]
    done = subprocess.run(
        [*command, "-s", str(script), url], check=True, capture_output=True, text=True
    )
    return done.stdout
