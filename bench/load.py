"""Load by wrk: one thread, 128 connections, each round of a few seconds."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

CONNECTIONS = 128

SUBMIT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"request_type":"async","input":{"mode":"text-to-image",' ..
  '"prompt":"a cinematic panda in snow","aspect_ratio":"1:1","num_images":4}}'
"""
KEYS = """
local keys = {%s}
local turn = 0
function request()
  turn = turn %% #keys + 1
  wrk.headers["Authorization"] = "Bearer " .. keys[turn]
  return wrk.format()
end
function done(summary)
  local wrong = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format("wrong=%%d\\n", wrong))
end
"""


def require_wrk() -> None:
    """End with a sentence when wrk is missing."""
    if shutil.which("wrk") is None:
        sys.exit("The benchmark needs wrk (Debian and Ubuntu: the package `wrk`).")


def measure(url: str, keys: list[str], folder: Path, *, submit: bool, seconds: int) -> float:
    """Requests per second that `url` answers well; ends the run when any answer is not 2xx."""
    script = folder / "load.lua"
    quoted = ", ".join(f'"{key}"' for key in keys)
    script.write_text((SUBMIT if submit else "") + KEYS % quoted)
    # beyond its own two seconds on a machine that is shared
    patience = ["--timeout", "20s"]
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *patience, "-s", str(script), url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "wrong=0" not in said:
        sys.exit(f"Not every request was answered well:\n{said}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
