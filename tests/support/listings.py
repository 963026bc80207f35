"""The listings on the pages of the documentation: programs, commands, and what is data."""

import re
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

from support.source import ROOT

DOCS = ROOT / "docs"

_FENCED = re.compile(r"^( *)```([^\n]*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


class Listing(NamedTuple):
    """One listing: the page that it stands on, what the page calls it (`python`), and its text."""

    page: str
    language: str
    text: str

    @property
    def name(self) -> str:
        """Page and first line, which no other listing has."""
        return f"{self.page}: {self.text.splitlines()[0]}"


def listings() -> Iterator[Listing]:
    """All of them, page by page. Those of Chinese pages are the same again: test_chinese_documentation."""
    for path in sorted(set(DOCS.rglob("*.md")) - set((DOCS / "zh").rglob("*.md"))):
        for _, language, text in _FENCED.findall(path.read_text(encoding="utf-8")):
            yield Listing(path.relative_to(DOCS).as_posix(), language, textwrap.dedent(text))
