"""A page for each error, made of the tables in `docs/reference/errors.md`, or in that page in Chinese."""

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Final

SOURCE: Final = "reference/errors"

_STATUS: Final = re.compile(r"^\| (\d{3}) \| (.+?) \| (.+) \| (.+) \|$", re.MULTILINE)
_FAILURE: Final = re.compile(r"^\| `(\w+)` \| (.+) \| (.+) \|$", re.MULTILINE)

_LINK: Final = r'<td><a href="/docs/errors/\1">\1</a></td>'


def error_pages(markdown: str, says: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Name and Markdown of each page: `errors/402`, `errors/Timeout`.

    `markdown` has the tables, and `says` the messages of the documentation in the same language.
    """
    for status, name, cause, cure in _STATUS.findall(markdown):
        fault = int(status) == HTTPStatus.INTERNAL_SERVER_ERROR
        money = "unclear" if fault else "nothing-held"
        yield f"errors/{status}", _page(says, f"{status}: {name}", ("refusal", money), cause, cure)
    for code, cause, cure in _FAILURE.findall(markdown):
        yield f"errors/{code}", _page(says, code, ("failure", "given-back"), cause, cure)


def _page(
    says: Mapping[str, str], title: str, kind_and_money: tuple[str, str], cause: str, cure: str
) -> str:
    kind, money = (says[f"error.{name}"] for name in kind_and_money)
    parts = [
        f"# {title}",
        kind,
        says["error.cause"].format(words=_sentence(cause)),
        says["error.cure"].format(words=_sentence(cure)),
        money,
        f"[{says['error.all']}](../reference/errors.md)",
    ]
    return "\n\n".join(parts) + "\n"


def _sentence(words: str) -> str:
    # a word that is code keeps its spelling; a link is seen from the folder of the tables
    return words[0].upper() + words[1:].replace("](", "](../reference/")


def link_errors(content: str) -> str:
    """The HTML of SOURCE, with each error in its tables leading to its page."""
    content = re.sub(r"<td>(\d{3})</td>", _LINK, content)
    return re.sub(r"<td><code>(\w+)</code></td>", _LINK, content)
