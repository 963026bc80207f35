"""What the server sends for the page: safe, small, and in the right language."""

import gzip
import json
import re
import urllib.error
import urllib.request
from http.client import HTTPMessage

import pytest

from browser.house import House
from heliograph.api.language.choose import choose_language

LINK = re.compile(r'(?:src|href)="(/playground/[^"]+)"')


def get(address: str, **headers: str) -> tuple[HTTPMessage, bytes]:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    with urllib.request.urlopen(urllib.request.Request(address, headers=named)) as answer:
        return answer.headers, answer.read()


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("de-DE, zh-TW;q=0.4, en-GB;q=0.5", "en"),
        ("ZH", "zh"),
        ("fr", "en"),
        ("zh;q=0", "en"),
        ("*;q=0.1,,;;q=x", "en"),
    ],
)
def test_the_language_is_the_one_that_a_browser_asks_for_most(wanted: str, language: str):
    assert choose_language(wanted) == language


def test_a_choice_on_the_page_is_worth_more_than_the_browser(house: House):
    headers, body = get(
        house.url, accept_language="en", cookie="heliograph-language=zh; heliograph-theme=dark"
    )
    assert headers["content-language"] == "zh"
    assert b'<html lang="zh" data-theme="dark">' in body
    _, body = get(
        house.url, accept_language="en", cookie="heliograph-language=xx; heliograph-theme=pink"
    )
    assert b'<html lang="en" data-theme="system">' in body


def test_everything_that_the_page_names_is_there_for_good_and_compressed(house: House):
    _, page = get(house.url)
    addresses = set(LINK.findall(page.decode()))
    assert len(addresses) > 30
    for address in addresses:
        headers, plain = get(house.url + address)
        assert headers["cache-control"] == "public, max-age=31536000, immutable"
        assert headers["x-content-type-options"] == "nosniff"
        headers, packed = get(house.url + address, accept_encoding="gzip")
        assert headers["content-encoding"] == "gzip"
        assert gzip.decompress(packed) == plain


def test_another_version_is_served_what_is_here_but_not_for_good(house: House):
    headers, body = get(f"{house.url}/playground/0000/js/app.js")
    assert headers["cache-control"] == "no-cache"
    assert b"import" in body


@pytest.mark.parametrize("name", ["page.html", "../page.py", "js", "js/", "..%2fpage.html", ""])
def test_what_is_no_part_of_the_page_is_not_found(house: House, name: str):
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(f"{house.url}/playground/0000/{name}")
    with refused.value as answer:
        assert answer.code == 404


def test_the_page_allows_nothing_inline_and_nothing_from_elsewhere(house: House):
    headers, body = get(house.url)
    policy = headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self';")
    text = body.decode()
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|https?://", text)
    assert "{{" not in text


def test_both_languages_have_the_same_messages_with_the_same_places(house: House):
    _, page = get(house.url)
    base = LINK.search(page.decode())[1].rpartition("/")[0]
    english, chinese = (
        json.loads(get(f"{house.url}{base}/messages/{name}.json")[1]) for name in ("en", "zh")
    )
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        # A language without a plural names the number where another says "one".
        places = [set(re.findall(r"{(\w+)}", words)) - {"count"} for words in (text, chinese[key])]
        assert places[0] == places[1], key
