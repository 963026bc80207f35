"""Changes the rules that guard money, network, keys and pictures, and counts what no test notices.

`python tests/mutation/mutate.py` takes all; `--only base.address` one. Each change lives in a process
of its own, which is given the changed program as it imports it: no file is touched.
"""

import argparse
import ast
import contextlib
import importlib.machinery
import importlib.util
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

# what takes long to import and knows nothing of ours, once for all processes
import aiohttp  # noqa: F401 - for the processes to come
import alembic.command  # noqa: F401 - for the processes to come
import asyncpg  # noqa: F401 - for the processes to come
import hypothesis  # noqa: F401 - for the processes to come
import pytest
import structlog  # noqa: F401 - for the processes to come

from mutation.changes import Change, changes

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "heliograph"

#: The rules, and the tests that should know them by heart.
RULES = {
    "ledger.money": ["tests/unit/test_money.py"],
    "base.address": ["tests/unit/test_outbound_address.py"],
    "accounts.keys": ["tests/unit/test_keys.py", "tests/integration/test_accounts.py"],
    "accounts.limits": ["tests/integration/test_limits.py"],
    "accounts.counters": ["tests/integration/test_limits.py"],
    "intake.header": ["tests/unit/test_header.py"],
    "webhooks.sign": ["tests/unit/test_sign.py"],
}

#: Only the plugins that are needed, because all of them take longer to load than most tests take.
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", "-p", "pytest_asyncio.plugin")
OPTIONS += ("-p", "_hypothesis_pytestplugin", "--hypothesis-seed=0")
# hypothesis is imported already, on which pytest remarks
OPTIONS += ("-W", "ignore::pytest.PytestAssertRewriteWarning")

#: One that takes so long goes round in circles.
LONGEST_SECONDS = 60


def is_noticed(rule: str, tree: ast.Module | None) -> bool:
    """Whether the tests of a rule fail on a changed program, in a process of its own."""
    child = os.fork()
    if child == 0:
        _test(rule, tree)
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) != 0
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def _test(rule: str, tree: ast.Module | None) -> None:
    os.setsid()
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    code = 1
    with contextlib.suppress(BaseException):
        if tree is not None:
            sys.meta_path.insert(0, _Changed(rule, tree))
        code = int(pytest.main([*OPTIONS, *RULES[rule]]))
    os._exit(code)


class _Changed(importlib.machinery.SourceFileLoader):
    """Finds and loads one module, whose program is changed."""

    def __init__(self, rule: str, tree: ast.Module) -> None:
        self.module = f"heliograph.{rule}"
        path = SOURCE / f"{rule.replace('.', '/')}.py"
        super().__init__(self.module, str(path))
        self._code = compile(tree, str(path), "exec")

    def find_spec(self, name: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        if name != self.module:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def get_code(self, fullname: str) -> Any:
        return self._code


def survivors(rule: str) -> tuple[int, list[Change]]:
    """How many changes there are of a rule, and those that no test notices."""
    source = (SOURCE / f"{rule.replace('.', '/')}.py").read_text(encoding="utf-8")
    assert not is_noticed(rule, None), f"the tests of {rule} fail without any change"
    made = list(changes(source))
    return len(made), [one for one in made if not is_noticed(rule, one.tree)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=RULES, action="append")
    total = unnoticed = 0
    for rule in parser.parse_args().only or RULES:
        began = time.monotonic()
        made, left = survivors(rule)
        seconds = time.monotonic() - began
        print(
            f"{rule}: {made - len(left)} of {made} changes noticed, in {seconds:.0f} s", flush=True
        )
        for one in left:
            print(f"  line {one.line}: {one.what}", flush=True)
        total += made
        unnoticed += len(left)
    print(f"{total - unnoticed} of {total} changes noticed: {100 - 100 * unnoticed / total:.1f} %")


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
