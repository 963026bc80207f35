"""The operator's word list: entries that no prompt may hold.

One entry stands on a line; `#` begins a comment. `prohibited:` or `sensitive:` before an entry names
the code that it leads to, `sensitive` where nothing does. Letters of alphabets are compared as whole
words, scripts that are written without spaces character by character; case, width and invisible
characters make no difference. Words that are merely disguised (`n*de`) are not recognised.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from heliograph.base.errors import OperatorError
from heliograph.base.unseen import without_unseen
from heliograph.moderation.objection import Objection

CODES: Final[Mapping[str, str]] = {
    "prohibited": "ProhibitedContentDetected",
    "sensitive": "SensitiveContentDetected",
}
MAX_ENTRIES: Final = 100_000
MAX_ENTRY_CHARACTERS: Final = 200

# Scripts without spaces between words, or whose words take endings: Thai, Lao, Tibetan, Burmese,
# Hangul, Khmer, kana, and the ideographs of Chinese and Japanese with their extensions.
_UNSPACED: Final = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)
# One character of those, or one word with its accents, or one sign. White space falls away.
_TOKEN: Final = re.compile(
    rf"[{_UNSPACED}]|(?:[^\W_{_UNSPACED}]|[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff])+|[^\s]"
)
_COMMENT: Final = re.compile(r"(?:^|\s)#.*")
_PREFIX: Final = re.compile(r"([^\W\d_]+)\s*:")

Tokens = tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """One line of the list: what is looked for, and what it leads to."""

    tokens: Tokens
    objection: Objection


class WordList:
    """A list that can be asked about any number of texts."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries: dict[str, list[Entry]] = {}
        for entry in entries:
            self._entries.setdefault(entry.tokens[0], []).append(entry)

    def __len__(self) -> int:
        return sum(map(len, self._entries.values()))

    def find(self, text: str) -> Objection | None:
        """The objection to `text`: the first prohibited entry in it, else the first sensitive one."""
        tokens = _tokens_of(_plain(text))
        found = [
            entry.objection
            for place, token in enumerate(tokens)
            for entry in self._entries.get(token, ())
            if tokens[place : place + len(entry.tokens)] == entry.tokens
        ]
        prohibited = (one for one in found if one.code == CODES["prohibited"])
        return next(prohibited, None) or next(iter(found), None)


def read_words(text: str, file: str) -> WordList:
    """The list that `text` describes; `file` is the name by which an error calls it.

    Raises OperatorError, naming the file and the line, for what could never be found in a prompt.
    """
    entries = []
    for number, line in enumerate(text.splitlines(), start=1):
        entry = _entry(line, f"{file}, line {number}")
        if entry is not None:
            entries.append(entry)
    if len(entries) > MAX_ENTRIES:
        raise OperatorError(
            f"{file} has {len(entries)} entries, and at most {MAX_ENTRIES} are taken."
        )
    return WordList(entries)


def _entry(line: str, place: str) -> Entry | None:
    plain = _COMMENT.sub("", _plain(line)).strip()
    if not plain:
        return None
    kind, words = "sensitive", plain
    prefix = _PREFIX.match(plain)
    if prefix:
        kind, words = prefix[1], plain[prefix.end() :]
    if kind not in CODES:
        raise OperatorError(
            f"{place}: an entry begins with prohibited: or sensitive: or with neither, but not with"
            f" {kind}:. Put sensitive: before it if the colon belongs to the entry."
        )
    tokens = _tokens_of(words)
    if not tokens:
        raise OperatorError(f"{place}: nothing follows {kind}:. Write the entry on the same line.")
    if len(words) > MAX_ENTRY_CHARACTERS:
        raise OperatorError(
            f"{place}: the entry is longer than {MAX_ENTRY_CHARACTERS} characters."
            " Write each entry on a line of its own."
        )
    return Entry(tokens, Objection(CODES[kind], f"{place}: {words.strip()}"))


def _plain(text: str) -> str:
    """`text` in one spelling: full-width and composed forms made plain, case and the unseen removed."""
    seen = without_unseen(text)  # first, for what they stand between may belong together
    if seen.isascii():
        return seen.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())


def _tokens_of(plain: str) -> Tokens:
    return tuple(_TOKEN.findall(plain))
