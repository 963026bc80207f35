"""What the server sends for the console: safe, complete, and in the right language."""

import json
import re
import urllib.error

import pytest

from browser.house import House
from browser.test_playground_assets import get
from heliograph.api.console.page import ConsoleRoutes
from heliograph.api.pages.content import imported

LINK = re.compile(r'(?:src|href)="(/console/[^"]+)"')


def test_a_choice_on_the_page_is_worth_more_than_the_browser(house: House):
    address = f"{house.url}/console"
    headers, body = get(
        address, accept_language="en", cookie="heliograph-language=zh; heliograph-theme=dark"
    )
    assert headers["content-language"] == "zh"
    assert b'<html lang="zh" data-theme="dark">' in body
    _, body = get(
        address, accept_language="en", cookie="heliograph-language=xx; heliograph-theme=pink"
    )
    assert b'<html lang="en" data-theme="system">' in body


def test_everything_that_the_page_names_is_there_for_good(house: House):
    _, page = get(f"{house.url}/console")
    addresses = set(LINK.findall(page.decode()))
    assert len(addresses) > 30
    for address in addresses:
        headers, body = get(house.url + address)
        assert body
        assert headers["cache-control"] == "public, max-age=31536000, immutable"
        assert headers["x-content-type-options"] == "nosniff"


def test_another_version_is_served_what_is_here_but_not_for_good(house: House):
    headers, body = get(f"{house.url}/console/0000/js/console.js")
    assert headers["cache-control"] == "no-cache"
    assert b"import" in body


@pytest.mark.parametrize("name", ["page.html", "../page.py", "js", "playground/page.html", ""])
def test_what_is_no_part_of_the_page_is_not_found(house: House, name: str):
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(f"{house.url}/console/0000/{name}")
    with refused.value as answer:
        assert answer.code == 404


def test_the_page_allows_nothing_inline_and_nothing_from_elsewhere(house: House):
    headers, body = get(f"{house.url}/console")
    policy = headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self';")
    text = body.decode()
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|https?://", text)
    assert "{{" not in text


def test_both_languages_have_the_same_messages_with_the_same_places(house: House):
    base = f"{house.url}/console/0000/messages"
    english, chinese = (json.loads(get(f"{base}/{name}.json")[1]) for name in ("en", "zh"))
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        places = [set(re.findall(r"{(\w+)}", words)) - {"count"} for words in (text, chinese[key])]
        assert places[0] == places[1], key


def test_only_modules_that_the_page_needs_are_loaded_before_they_are_asked_for():
    assets = ConsoleRoutes().pages.assets
    needed = imported(assets, "js/console.js")
    assert {"js/detail.js", "playground/js/dom.js"} <= needed
    assert "playground/js/snippets.js" not in needed
    own = {name for name in assets if name.startswith("js/")}
    assert own <= needed
