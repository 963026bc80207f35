"""English sentences said in another language, by a table of templates."""

from collections.abc import Mapping
from typing import NamedTuple

PLACE = "{}"

FIELD = "{}: {}"
"""The line for a sentence about a field (`url: …`). It fits when the rest can be said."""

# Values come from strangers, and each is looked for in every line.
MOST_CHARACTERS = 2_000
MOST_DEPTH = 6


class Line(NamedTuple):
    """One line of the table. `pieces` is the English text, cut where something is inserted."""

    english: str
    pieces: list[str]
    said: str

    @property
    def characters(self) -> int:
        """How much text of its own it has."""
        return sum(map(len, self.pieces))


class Fit(NamedTuple):
    """A line that a sentence is made by, and what is inserted there."""

    line: Line
    values: list[str]


class Sentences:
    """A table from English templates to those of another language, which chinese.toml describes."""

    def __init__(self, table: Mapping[str, str]) -> None:
        lines = [Line(english, english.split(PLACE), said) for english, said in table.items()]
        self._whole = {line.english: line for line in lines if len(line.pieces) == 1}
        self._field = table[FIELD]
        self._parted = sorted(
            (line for line in lines if len(line.pieces) > 1 and line.english != FIELD),
            key=lambda line: line.characters,
            reverse=True,
        )

    def say(self, sentence: str, depth: int = 0) -> str | None:
        """The whole `sentence` in the other language, or None when no line fits.

        `depth`: of how many sentences it is a part.
        """
        if len(sentence) > MOST_CHARACTERS or depth > MOST_DEPTH:
            return None
        field, colon, rest = sentence.partition(": ")
        fits = self.find(sentence)
        after = self.find(rest) if colon and " " not in field else None
        if after is not None and (fits is None or after.line.characters >= fits.line.characters):
            return self._field.format(field, _Value(rest, self, depth))
        return None if fits is None else self._said(fits, depth)

    def find(self, sentence: str) -> Fit | None:
        """The line that fits `sentence`, of several the one with the most text of its own."""
        whole = self._whole.get(sentence)
        if whole is not None:
            return Fit(whole, [])
        for line in self._parted:
            values = _values(line.pieces, sentence)
            if values is not None:
                return Fit(line, values)
        return None

    def _said(self, fit: Fit, depth: int) -> str:
        return fit.line.said.format(*(_Value(value, self, depth) for value in fit.values))


class _Value:
    """What is inserted: as it is, or with `:zh` in the other language if that can be said."""

    def __init__(self, text: str, sentences: Sentences, depth: int) -> None:
        self._text = text
        self._sentences = sentences
        self._depth = depth

    def __format__(self, how: str) -> str:
        said = self._sentences.say(self._text, self._depth + 1) if how else None
        return self._text if said is None else said


def _values(pieces: list[str], sentence: str) -> list[str] | None:
    """What stands between `pieces` in `sentence`, if it is made of them.

    Each piece is taken where it comes first: that finds a way if there is one, without going back.
    """
    first, *middle, last = pieces
    at, end = len(first), len(sentence) - len(last)
    if at > end or not (sentence.startswith(first) and sentence.endswith(last)):
        return None
    values = []
    for piece in middle:
        found = sentence.find(piece, at, end)
        if found < 0:
            return None
        values.append(sentence[at:found])
        at = found + len(piece)
    return [*values, sentence[at:end]]
