"""The source of this repository, as files and syntax trees."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("src", "client/src", "studio/src")
TESTS = ("tests", "client/tests", "studio/tests")


def files(*folders: str) -> list[Path]:
    """Every Python file in `folders` of the repository; a folder that is absent has none."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    """`path` as seen from the root of the repository."""
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a file, those inside others too."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Every string in a file with its line: literals and the fixed parts of f-strings, no docstrings."""
    docstrings = set(_docstrings(tree_of(path)))
    for node in ast.walk(tree_of(path)):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node not in docstrings
        ):
            yield node.lineno, node.value


def _docstrings(tree: ast.Module) -> Iterator[ast.expr]:
    """A string that stands alone is a sentence for people, at the head of a block or elsewhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            yield node.value
