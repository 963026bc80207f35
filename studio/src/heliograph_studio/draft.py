"""The terms of a prompt, sorted while they are read: who stands how to whom. Pure text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from heliograph_studio import lexicon
from heliograph_studio.lexicon import Term

# How many "cats" are when no number is said.
PLURAL_COUNT = 3
# Kinds of drawings of which an English plural means several.
PLURAL_CATEGORIES = {"Animals & Nature", "Travel & Places", "Food & Drink", "People & Body"}
QUOTED = re.compile(r"[\"“”「『《]([^\"“”「」『』《》\n]{1,60})[\"“”」』》]")
PEOPLE = "People & Body"
ATTRIBUTES = {"colour", "size", "count"}


@dataclass(frozen=True)
class Subject:
    """Some of one thing: the slug of its drawing, how many, and what they look like.

    `relation` is how it stands to the subject number `to`: on, above, under, behind, front or
    beside. `aloft` lets it leave the ground.
    """

    slug: str
    count: int = 1
    colour: str | None = None
    size: str | None = None
    relation: str | None = None
    to: int | None = None
    aloft: bool = False


@dataclass
class Draft:
    """What was read so far."""

    subjects: list[Subject] = field(default_factory=list)
    values: dict[str, list[str]] = field(default_factory=dict)
    refused: dict[str, set[str]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    poses: list[str] = field(default_factory=list)
    _pending: dict[str, str] = field(default_factory=dict)
    _relation: tuple[str, int] | None = None
    _last: int | None = None
    _negated: bool = False
    _garment: Term | None = None

    def take(self, term: Term) -> None:
        """Sort in the next term."""
        if term.kind == "negation":
            self._negated = True
        elif self._negated and term.kind not in {"ignored", "pause", "unknown", "count"}:
            self.refused.setdefault(term.kind, set()).add(term.value)
            self._negated = False
        elif term.kind in ATTRIBUTES:
            self._pending[term.kind] = term.value
        else:
            getattr(self, f"_take_{term.kind}", self._take_value)(term)

    def finish(self) -> None:
        """The text ends."""
        self._flush()

    def _take_ignored(self, term: Term) -> None:
        pass

    def _take_unknown(self, term: Term) -> None:
        self.unknown.append(term.text)

    def _take_pause(self, _term: Term) -> None:
        self._flush()
        self._relation = self._last = None
        self._negated = False

    def _take_value(self, term: Term) -> None:
        self.values.setdefault(term.kind, []).append(term.value)
        self._pending.pop("count", None)
        self._relation = self._last = None

    def _take_relation(self, term: Term) -> None:
        if self.subjects:
            self._relation = (term.value, len(self.subjects) - 1)

    def _take_place(self, term: Term) -> None:
        """A Chinese word that follows the second of the two."""
        if self._last is None:
            return
        first, second = self._last - 1, self._last
        alone = self.subjects[second].relation in {None, "beside"}
        if (
            first >= 0
            and self._relation is None
            and self.subjects[first].relation is None
            and alone
        ):
            self._relate(first, term.value, second)
        else:
            self._relation = (f"{term.value} it", second)

    def _take_action(self, term: Term) -> None:
        if term.value == "pose":
            self.poses.append(term.text)
        elif self.subjects and self._last is not None:
            self.subjects[-1] = replace(self.subjects[-1], aloft=True)
        self._pending.setdefault("action", term.value)

    def _take_clothes(self, term: Term) -> None:
        wearer = self._wearer()
        if wearer is None:
            # Chinese names what is worn first, and who wears it then.
            self._garment = term
            return
        if colour := self._pending.pop("colour", None):
            self.subjects[wearer] = replace(self.subjects[wearer], colour=colour)
        self._pending.pop("count", None)

    def _settle_garment(self, wearer: Term | None = None) -> None:
        """Clothes that nobody has put on are a thing of their own."""
        garment, self._garment = self._garment, None
        if garment is not None and (wearer is None or not _is_person(wearer.value)):
            self._take_subject(garment)

    def _wearer(self) -> int | None:
        if not self.subjects:
            return None
        return len(self.subjects) - 1 if _is_person(self.subjects[-1].slug) else None

    def _take_subject(self, term: Term) -> None:
        self._settle_garment(term)
        pending, self._pending = self._pending, {}
        subject = Subject(
            term.value,
            int(pending.get("count", _count_of(term))),
            pending.get("colour"),
            pending.get("size"),
            aloft=pending.get("action") == "fly",
        )
        known = [n for n, s in enumerate(self.subjects) if s.slug == subject.slug]
        if known and (not subject.colour or self.subjects[known[0]].colour == subject.colour):
            self._last = known[0]
            return
        self.subjects.append(subject)
        self._last = len(self.subjects) - 1
        if self._relation is not None:
            relation, other = self._relation
            self._relation = None
            if relation.endswith(" it"):
                self._relate(self._last, relation.removesuffix(" it"), other)
            else:
                self._relate(other, relation, self._last)

    def _relate(self, one: int, relation: str, other: int) -> None:
        if self.subjects[one].relation in {None, "beside"} and self.subjects[other].to != one:
            self.subjects[one] = replace(self.subjects[one], relation=relation, to=other)

    def _flush(self) -> None:
        """A clause ends: a colour that found nothing to colour is the picture's."""
        self._settle_garment()
        if colour := self._pending.get("colour"):
            self.values.setdefault("colour", []).append(colour)
        self._pending.clear()


def _is_person(slug: str) -> bool:
    return lexicon.subjects()[slug].category == PEOPLE


def _count_of(term: Term) -> int:
    """Three, for an English plural; what is always written with an s is one."""
    word = term.text.split()[-1] if term.text else ""
    subject = lexicon.subjects()[term.value]
    plural = lexicon.singular(word) != word and not subject.name.endswith("s")
    return PLURAL_COUNT if plural and subject.category in PLURAL_CATEGORIES else 1


def split_lettering(prompt: str) -> tuple[str, str | None]:
    """The prompt without the first text in quotes, and that text."""
    found = QUOTED.search(prompt)
    if found is None or not found[1].strip():
        return prompt, None
    return prompt[: found.start()] + " , " + prompt[found.end() :], found[1].strip()


def read_draft(terms: Iterator[Term] | list[Term]) -> Draft:
    """All terms of a prompt, sorted."""
    draft = Draft()
    for term in terms:
        draft.take(term)
    draft.finish()
    return draft
