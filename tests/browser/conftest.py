"""A house, a browser, and visitors; each visit ends with the question what the browser complained of."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from browser.chromium import running_browser
from browser.house import House
from browser.visit import Visit
from support.database import Databases
from support.service import installed

Visitor = Callable[..., Visit]

expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def house(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with databases.fresh() as url, installed(folder, url) as installation:
        yield House(installation)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """It ends with its module: its driver keeps a loop, beside which no test can have one of its own."""
    with running_browser() as browser:
        yield browser


@pytest.fixture
def visitor(browser: Browser, house: House) -> Iterator[Visitor]:
    """Makes visitors, each with a profile of their own; at the end nothing may have been complained of."""
    visits: list[Visit] = []

    def enter(**wishes: object) -> Visit:
        context = browser.new_context(**{"locale": "en-US", "accept_downloads": True, **wishes})
        visits.append(Visit(context, house.url))
        return visits[-1]

    yield enter
    for visit in visits:
        visit.context.close()
    assert [one for visit in visits for one in visit.complaints] == []
    assert [one for visit in visits for one in visit.strangers] == []


@pytest.fixture
def forgiven(visitor: Visitor) -> Iterator[Callable[[Visit, str], None]]:
    """Says which complaint of a visit had to come, such as a 402 that the browser itself writes down."""
    expected: list[tuple[Visit, str]] = []
    yield lambda visit, pattern: expected.append((visit, pattern))
    for visit, pattern in expected:
        found = [one for one in visit.complaints if re.search(pattern, one)]
        assert found, f"nobody complained of {pattern}"
        visit.complaints = [one for one in visit.complaints if one not in found]
