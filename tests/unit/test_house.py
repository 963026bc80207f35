"""Where things may stand: what import-linter cannot see, because it knows modules only."""

import ast
import re
from pathlib import Path

import pytest

from support.source import ROOT, files, functions, name_of, strings, tree_of

SQL = re.compile(
    r"\b(?:SELECT\s+\S|INSERT\s+INTO\b|UPDATE\s+\S+\s+SET\b|DELETE\s+FROM\b|TRUNCATE\s|"
    r"(?:CREATE|ALTER|DROP)\s+(?:TABLE|INDEX|FUNCTION|TRIGGER)\b|SHOW\s+\w)"
)
SERVICE = ROOT / "src" / "heliograph"

PURE = (
    *files("src/heliograph/catalog"),
    *(
        SERVICE / name
        for name in (
            "accounts/account.py",
            "accounts/sessions/session.py",
            "accounts/spending/budget.py",
            "intake/header.py",
            "ledger/money.py",
            "ledger/statement/line.py",
            "moderation/objection.py",
            "moderation/words.py",
            "providers/health/health.py",
            "tasks/admit.py",
            "tasks/batches/batch.py",
            "tasks/idempotency/key.py",
            "tasks/routing/choice.py",
            "tasks/task.py",
            "tasks/view.py",
            "webhooks/inboxes/inbox.py",
            "webhooks/notice.py",
            "webhooks/receivers/receiver.py",
            "webhooks/sign.py",
        )
    ),
)
IMPURE_CALLS = {"now", "today", "utcnow", "uuid1", "uuid4", "open", "print", "input"}


def may_hold_sql(path: Path) -> bool:
    inside = path.relative_to(SERVICE)
    return (
        path.name == "store.py"
        or inside.as_posix() == "ledger/audit.py"
        or inside.parts[0] == "base"
    )


def called_name(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def test_sql_stands_in_store_files_the_audit_and_base_alone() -> None:
    elsewhere = [
        f"{name_of(path)}:{line}"
        for path in files("src")
        if not may_hold_sql(path)
        for line, text in strings(path)
        if SQL.search(text)
    ]
    assert elsewhere == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "\n  UPDATE tasks SET state = 'failed'",
        "INSERT INTO tasks VALUES (1)",
        "DELETE FROM tasks",
        "WITH held AS (SELECT 1)",
        "SHOW server_version",
    ],
)
def test_a_statement_is_known_when_it_is_seen(statement: str) -> None:
    assert SQL.search(statement)


@pytest.mark.parametrize("sentence", ["Select a key.", "an update of tasks", "DELETE is no method"])
def test_a_sentence_is_not_taken_for_a_statement(sentence: str) -> None:
    assert not SQL.search(sentence)


@pytest.mark.parametrize("path", PURE, ids=name_of)
def test_a_pure_file_asks_for_no_time_no_randomness_and_opens_nothing(path: Path) -> None:
    calls = (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call))
    assert [name for call in calls if (name := called_name(call)) in IMPURE_CALLS] == []


@pytest.mark.parametrize("path", PURE, ids=name_of)
def test_a_pure_file_has_nothing_to_wait_for(path: Path) -> None:
    assert [one.name for one in functions(path) if isinstance(one, ast.AsyncFunctionDef)] == []


def test_no_file_and_no_class_hides_behind_a_catch_all_name() -> None:
    catch_alls = re.compile(r"(?i)(?:manager|helpers?|utils?|common|misc)$")
    files_named = [
        name_of(path)
        for path in files("src", "client/src", "studio/src")
        if catch_alls.search(path.stem)
    ]
    classes = [
        f"{name_of(path)}: {node.name}"
        for path in files("src", "client/src", "studio/src")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ClassDef) and catch_alls.search(node.name)
    ]
    assert files_named + classes == []
