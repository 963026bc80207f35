"""What commands print for people: nothing in it disturbs the terminal."""

import json
import os
import subprocess
import sys

import pytest

from heliograph.base.errors import BadRequest, OperatorError
from heliograph.base.terminal import harmless
from heliograph.cli.check import Check, show_check
from heliograph.cli.output import explain, print_record, print_table
from heliograph_client.errors import TaskFailed

HOSTILE = "a\x1b]0;b\x07\r\n\tc\x7f\x9b\u202ed\u200b\u2028\u2029\ud800\U000e0041"
ESCAPED = r"a\x1b]0;b\x07\r\n\tc\x7f\x9b\u202ed\u200b\u2028\u2029\ud800\U000e0041"


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def test_what_could_deceive_a_terminal_is_shown_as_an_escape():
    assert harmless(HOSTILE) == ESCAPED


@pytest.mark.parametrize(
    "text", ["a panda", "一只熊猫。雪地", "é e\u0301", "🐼\ufe0f", "a\\x1b", ""]
)
def test_all_other_text_is_shown_as_it_is(text: str):
    assert harmless(text) == text


def test_a_record_has_one_line_for_each_field(capsys: pytest.CaptureFixture[str]):
    record = {"name": HOSTILE, "state": None, "number": 3, "models": ("a", "b"), "networks": []}
    print_record(record, as_json=False)
    lines = (
        f"name      {ESCAPED}",
        "state     -",
        "number    3",
        "models    a, b",
        "networks  -",
        "",
    )
    assert capsys.readouterr().out == "\n".join(lines)


def test_a_table_has_one_line_for_each_row_and_its_columns_stand_below_each_other(
    capsys: pytest.CaptureFixture[str],
):
    rows = [{"name": "a\nb", "state": "x"}, {"name": "c", "state": "y"}]
    print_table(rows, as_json=False, nothing="")
    assert capsys.readouterr().out == "name  state\na\\nb  x\nc     y\n"


def test_json_has_the_text_itself(capsys: pytest.CaptureFixture[str]):
    print_record({"name": "a\x1b\nb"}, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"name": "a\x1b\nb"}


def test_what_a_server_says_is_one_line_and_what_an_operator_is_told_may_have_several():
    assert explain(TaskFailed("1", "Failed", "a\x1b\nb")) == r"Failed: a\x1b\nb"
    assert explain(BadRequest("a\x1b\nb")) == r"a\x1b\nb"
    assert explain(OperatorError("It said:\n  a\x1b\r")) == "It said:\n  a\\x1b\\r"


def test_a_check_shows_what_an_upstream_said_without_obeying_it(
    capsys: pytest.CaptureFixture[str],
):
    show_check(Check("provider one", False, "it says a\x1b[2J", "Mend b\x9b."))
    assert "provider one: it says a\\x1b[2J\n       Mend b\\x9b.\n" in capsys.readouterr().out


def test_a_terminal_that_does_not_know_a_character_shows_its_number():
    environ = {**os.environ, "LC_ALL": "zh_CN.UTF-8", "PYTHONIOENCODING": "iso-8859-9"}
    command = [sys.executable, "-c", "from heliograph.cli.main import run; run()", "--help"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u" in done.stdout


def test_the_log_on_a_terminal_shows_words_of_others_as_escapes():
    program = (
        "import sys; from heliograph.base.log import log, start_logging\n"
        "from heliograph.base.settings import load_settings\n"
        "start_logging(load_settings({'HELIOGRAPH_LOG_FORMAT': 'pretty'}))\n"
        "log.warning(sys.argv[1], detail=sys.argv[1], parts=[sys.argv[1]])"
    )
    hostile = HOSTILE.replace("\ud800", "").replace("\n", "")
    done = subprocess.run(
        [sys.executable, "-c", program, hostile], capture_output=True, encoding="utf-8", check=True
    )
    for disturbing in ("\x1b]", "\x07", "\r", "\x9b", "\u202e", "\u2028"):
        assert disturbing not in done.stderr
    assert done.stderr.count(r"\u202e") == 3
