"""A page for each error, made of the tables in `docs/reference/errors.md`."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

SOURCE: Final = "reference/errors"

_STATUS: Final = re.compile(r"^\| (\d{3}) \| (.+?) \| (.+) \| (.+) \|$", re.MULTILINE)
_FAILURE: Final = re.compile(r"^\| `(\w+)` \| (.+) \| (.+) \|$", re.MULTILINE)

_LINK: Final = r'<td><a href="/docs/errors/\1">\1</a></td>'

PAGE: Final = """# {title}

{kind}

**Cause.** {cause}.

**Cure.** {cure}.

{money}

[All errors](../reference/errors.md)
"""
REFUSAL: Final = "A request was refused with this HTTP status."
FAILURE: Final = "A task that had been accepted ended as `failed` with this `failCode`."
NOTHING_HELD: Final = "Nothing was accepted, and no money is held."
UNCLEAR: Final = (
    "A submit may have been accepted nevertheless. Send it again with the same"
    " [idempotency key](../how-to/spend-safely.md): it is paid for once."
)
GIVEN_BACK: Final = "What was held for the task has been given back."


def error_pages(markdown: str) -> Iterator[tuple[str, str]]:
    """Name and Markdown of each page: `errors/402`, `errors/Timeout`. `markdown` is that of SOURCE."""
    for status, name, cause, cure in _STATUS.findall(markdown):
        money = UNCLEAR if int(status) == HTTPStatus.INTERNAL_SERVER_ERROR else NOTHING_HELD
        yield f"errors/{status}", _page(f"{status}: {name}", REFUSAL, cause, cure, money)
    for code, cause, cure in _FAILURE.findall(markdown):
        yield f"errors/{code}", _page(code, FAILURE, cause, cure, GIVEN_BACK)


def _page(title: str, kind: str, cause: str, cure: str, money: str) -> str:
    return PAGE.format(
        title=title, kind=kind, cause=_sentence(cause), cure=_sentence(cure), money=money
    )


def _sentence(words: str) -> str:
    # a word that is code keeps its spelling
    return words[0].upper() + words[1:]


def link_errors(content: str) -> str:
    """The HTML of SOURCE, with each error in its tables leading to its page."""
    content = re.sub(r"<td>(\d{3})</td>", _LINK, content)
    return re.sub(r"<td><code>(\w+)</code></td>", _LINK, content)
