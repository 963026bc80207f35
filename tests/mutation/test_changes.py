"""The mutator changes what a program does, one place at a time, and sees who notices."""

import ast
import subprocess
import sys

from mutation.changes import changes
from support.service import environment
from support.source import ROOT

SOURCE = """
def fee(amount: int = 3) -> int:
    assert amount > 0
    if amount < 10 and not free:
        return amount * 2
    raise ValueError("no")
"""


def test_every_place_is_changed_once_and_what_only_asserts_stays():
    made = [one.what for one in changes(SOURCE)]
    assert sorted(made) == [
        "10  ->  11",
        "2  ->  3",
        "3  ->  4",
        "amount * 2  ->  amount // 2",
        "amount < 10  ->  amount <= 10",
        "amount < 10 and (not free)  ->  amount < 10 or not free",
        "if amount < 10 and (not free):  ->  if not (amount < 10 and (not free)):",
        "not free  ->  free",
        "raise ValueError('no')  ->  pass",
        "return amount * 2  ->  return None",
    ]


def test_each_change_leaves_all_else_as_it_was():
    original = ast.unparse(ast.parse(SOURCE)).splitlines()
    for change in changes(SOURCE):
        changed = ast.unparse(change.tree).splitlines()
        differing = [one for one, other in zip(original, changed, strict=True) if one != other]
        assert len(differing) == 1


def test_a_change_of_the_rules_is_noticed_by_their_tests_and_none_is_not():
    program = """
from mutation.changes import changes
from mutation.mutate import SOURCE, is_noticed
text = (SOURCE / "webhooks/sign.py").read_text(encoding="utf-8")
first = next(one for one in changes(text) if one.what.startswith("return"))
print(is_noticed("webhooks.sign", None), is_noticed("webhooks.sign", first.tree))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment({}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["False", "True"], done.stderr
