"""What stands around every page of the documentation, in every language and in the colours that were chosen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

from starlette.requests import Request
from starlette.responses import Response

from heliograph.api.pages.pages import PAGE_HEADERS, Pages

PARTS = ("guides", "reference", "errors", "pricing")
ENGLISH = "en"


@dataclass(frozen=True)
class Sheet:
    """What one page says: its title, its content and its contents as HTML, and in which language that is.

    `part` is the one of PARTS that it belongs to, `markdown` the address of the same as Markdown.
    """

    title: str
    content: str
    contents: str
    part: str
    markdown: str | None = None
    language: str = ENGLISH


class Frame:
    """Answers with sheets in their frame, and with what they load."""

    def __init__(self) -> None:
        layers = {"heliograph.api.playground": "playground/", "heliograph.api.docs": ""}
        self._pages = Pages("/docs/assets", layers, ["frame"], "docs.js")
        self.asset = self._pages.asset

    def messages(self, language: str) -> Mapping[str, str]:
        """What the frame says in a language, by name."""
        return self._pages.messages[language]

    def answer(self, request: Request, address: str, sheet: Callable[[str], Sheet]) -> Response:
        """The page at `address`; `sheet` makes it, for the language of whoever asks."""

        def fill(language: str) -> dict[str, str]:
            return self._places(sheet(language), language)

        return self._pages.page(request, "frame", PAGE_HEADERS, fill, address)

    def _places(self, sheet: Sheet, language: str) -> dict[str, str]:
        says = self.messages(language)
        foreign = sheet.language != language
        note = f'<p class="note">{escape(says["docs.english"])}</p>' if foreign else ""
        source = (
            f'<p class="source"><a href="{sheet.markdown}">{escape(says["docs.markdown"])}</a></p>'
        )
        alternate = f'<link rel="alternate" type="text/markdown" href="{sheet.markdown}">'
        marks = {f"page.{part}": "" for part in PARTS}
        return marks | {
            f"page.{sheet.part}": ' aria-current="true"',
            "page.title": escape(sheet.title),
            "page.alternate": alternate if sheet.markdown else "",
            "page.content": f'{note}<div class="text" lang="{sheet.language}">{sheet.content}</div>'
            + (source if sheet.markdown else ""),
            "page.contents": sheet.contents,
        }
