"""How long files and functions are. What fits on a screen can be read; what grows, grows unnoticed."""

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from support.source import PRODUCT, TESTS, files, functions, name_of

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_TEST_FILE = 500
MOST_LINES_OF_A_FUNCTION = 60
MEDIAN_LINES_OF_A_FUNCTION = 12
SHOWN = 5

#: Files and functions (`path` or `path:name`) over a limit, with their length. Entries only ever
#: shrink and disappear; what is here was longer when the limits came.
RATCHET: dict[str, int] = {}


class Size(NamedTuple):
    lines: int
    name: str


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def file_sizes(*folders: str) -> list[Size]:
    return sorted((Size(lines_of(path), name_of(path)) for path in files(*folders)), reverse=True)


def function_sizes() -> list[Size]:
    return sorted(_function_sizes(), reverse=True)


def _function_sizes() -> Iterator[Size]:
    for path in files(*PRODUCT):
        for one in functions(path):
            assert one.end_lineno is not None
            yield Size(one.end_lineno - one.lineno + 1, f"{name_of(path)}:{one.name}")


def over(limit: int, sizes: list[Size]) -> dict[str, int]:
    return {size.name: size.lines for size in sizes if size.lines > limit}


def offenders() -> dict[str, int]:
    return (
        over(MOST_LINES_OF_A_FILE, file_sizes(*PRODUCT))
        | over(MOST_LINES_OF_A_TEST_FILE, file_sizes(*TESTS))
        | over(MOST_LINES_OF_A_FUNCTION, function_sizes())
    )


def median_lines() -> float:
    return statistics.median(size.lines for size in function_sizes())


def test_no_file_and_no_function_is_over_its_limit_unless_it_was_before() -> None:
    grown = {name: n for name, n in offenders().items() if n > RATCHET.get(name, 0)}
    assert grown == {}


def test_what_has_shrunk_leaves_the_ratchet() -> None:
    assert {name: offenders().get(name) for name in RATCHET} == RATCHET


def test_most_functions_can_be_read_at_a_glance() -> None:
    assert median_lines() <= MEDIAN_LINES_OF_A_FUNCTION


def test_the_sizes_are_shown() -> None:
    product, tests, all_functions = file_sizes(*PRODUCT), file_sizes(*TESTS), function_sizes()
    print(f"\n{'':>6}  files of the product ({len(product)}, limit {MOST_LINES_OF_A_FILE} lines)")
    _show(product)
    print(f"{'':>6}  files of the tests ({len(tests)}, limit {MOST_LINES_OF_A_TEST_FILE} lines)")
    _show(tests)
    print(
        f"{'':>6}  functions ({len(all_functions)}, limit {MOST_LINES_OF_A_FUNCTION} lines,"
        f" median {median_lines():g}, limit {MEDIAN_LINES_OF_A_FUNCTION})"
    )
    _show(all_functions)
    assert product[0].lines > 0


def _show(sizes: list[Size]) -> None:
    for size in sizes[:SHOWN]:
        print(f"{size.lines:>6}  {size.name}")
