"""Changes the rules that guard money, network, keys and pictures, and counts what no test notices.

`python tests/mutation/mutate.py` takes all; `--only base.address` one. Each change lives in a process
of its own, which is given the changed program as it imports it: no file is touched.
"""

import argparse
import ast
import contextlib
import functools
import importlib.machinery
import importlib.util
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# what takes long to import and knows nothing of the rules, once for all processes
import aiohttp  # noqa: F401 - for the processes to come
import alembic.command  # noqa: F401 - for the processes to come
import asyncpg  # noqa: F401 - for the processes to come
import hypothesis  # noqa: F401 - for the processes to come
import pytest
import structlog  # noqa: F401 - for the processes to come

from mutation.changes import Change, changes
from support.database import open_databases

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "heliograph"

#: The rules, and the tests that should know them by heart, the quickest first.
RULES = {
    "ledger.money": ["tests/unit/test_money.py"],
    "ledger.store": [
        "tests/integration/test_least_money.py",
        "tests/integration/test_ledger.py",
        "tests/integration/test_low_balance.py",
    ],
    "tasks.finish": [
        "tests/integration/test_finish.py",
        "tests/integration/test_ended_together.py",
        "tests/integration/test_spine.py",
        "tests/integration/test_routing.py",
        "tests/integration/test_caps.py",
        "tests/integration/test_batches.py",
        "tests/integration/test_held_up.py",
        "tests/integration/test_late_and_lost.py",
    ],
    "base.address": ["tests/unit/test_outbound_address.py"],
    "accounts.keys": [
        "tests/unit/test_keys.py",
        "tests/integration/test_accounts.py",
        "tests/integration/test_key_races.py",
    ],
    "accounts.limits": ["tests/integration/test_limits.py"],
    "accounts.counters": ["tests/integration/test_limits.py"],
    "intake.header": ["tests/unit/test_header_bytes.py", "tests/unit/test_header.py"],
    "webhooks.sign": ["tests/unit/test_sign.py"],
}

#: Only the plugins that are needed, because all of them take longer to load than most tests take.
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", "-p", "pytest_asyncio.plugin")
OPTIONS += ("-p", "_hypothesis_pytestplugin", "--hypothesis-seed=0")
# nobody reads why a test failed
OPTIONS += ("--assert=plain",)

#: So many changes are judged at once; nothing else on the machine shall wait for them.
PROCESSES = 2
NICENESS = 10

#: Tests that take so many times longer than without a change, and then some, go round in circles.
SLOWER = 3
SLACK_SECONDS = 10.0


def is_noticed(rule: str, tree: ast.Module | None, most_seconds: float = 300.0) -> bool:
    """Whether any file of a rule's tests fails on a changed program, or takes more than `most_seconds`."""
    return any(_fails(file, rule, tree, most_seconds) for file in RULES[rule])


def _fails(file: str, rule: str, tree: ast.Module | None, most_seconds: float) -> bool:
    """Whether the tests of `file` do, in a process of their own."""
    child = os.fork()
    if child == 0:
        _test(file, rule, tree)
    deadline = time.monotonic() + most_seconds
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) != 0
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def _test(file: str, rule: str, tree: ast.Module | None) -> None:
    os.setsid()
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    code = 1
    with contextlib.suppress(BaseException):
        if tree is not None:
            sys.meta_path.insert(0, _Changed(rule, tree))
        code = int(pytest.main([*OPTIONS, file]))
    os._exit(code)


class _Changed(importlib.machinery.SourceFileLoader):
    """Finds and loads one module, whose program is changed."""

    def __init__(self, rule: str, tree: ast.Module) -> None:
        self.module = f"heliograph.{rule}"
        assert self.module not in sys.modules, "a module that is imported already stays as it was"
        path = SOURCE / f"{rule.replace('.', '/')}.py"
        super().__init__(self.module, str(path))
        self._code = compile(tree, str(path), "exec")

    def find_spec(self, name: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        if name != self.module:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def get_code(self, fullname: str) -> Any:
        return self._code


def judged(rule: str) -> Iterator[tuple[Change, bool]]:
    """Every change of a rule, and whether it is noticed."""
    source = (SOURCE / f"{rule.replace('.', '/')}.py").read_text(encoding="utf-8")
    began = time.monotonic()
    assert not is_noticed(rule, None), f"the tests of {rule} fail without any change"
    most_seconds = SLOWER * (time.monotonic() - began) + SLACK_SECONDS
    made = list(changes(source))
    judge = functools.partial(_is_noticed, rule, most_seconds)
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        yield from zip(made, pool.imap(judge, made), strict=True)


def _is_noticed(rule: str, most_seconds: float, change: Change) -> bool:
    return is_noticed(rule, change.tree, most_seconds)


def count(rule: str) -> tuple[int, int]:
    """How many changes of a rule are noticed, and how many there are; says which are not."""
    began, noticed, total = time.monotonic(), 0, 0
    for change, seen in judged(rule):
        noticed, total = noticed + seen, total + 1
        if not seen:
            print(f"  {rule}, line {change.line}: {change.what}", flush=True)
    seconds = time.monotonic() - began
    print(f"{rule}: {noticed} of {total} changes noticed, in {seconds:.0f} s", flush=True)
    return noticed, total


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=RULES, action="append")
    rules = parser.parse_args().only or RULES
    os.nice(NICENESS)
    # one PostgreSQL for all, which their tests join
    with open_databases():
        counts = [count(rule) for rule in rules]
    noticed, total = (sum(column) for column in zip(*counts, strict=True))
    print(f"{noticed} of {total} changes noticed: {100 * noticed / total:.1f} %")


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
