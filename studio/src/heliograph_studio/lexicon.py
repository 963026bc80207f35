"""What words mean: subjects of the drawings, and the studio's own tables, in two languages.

A text is read from left to right; at each place the longest known phrase wins. English is
compared word by word without plurals, Chinese character by character, which needs no segmenter.
"""

import json
import lzma
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from heliograph_studio import words

ASSETS = Path(__file__).parent / "assets"
LONGEST_PHRASE_WORDS = 6
LONGEST_PHRASE_CHARACTERS = 10
# A keyword shared by more subjects than this says too little to draw one of them.
LARGEST_SHARE = 5
TOKEN = re.compile(r"[a-z0-9]+(?:['&-][a-z0-9]+)*|[\u3400-\u9fff]+|[,.;:!?()，。；：！？、]")
HAN = re.compile(r"[\u3400-\u9fff]")
KIND_TABLES = (
    ("setting", words.SETTINGS),
    ("time", words.TIMES),
    ("weather", words.WEATHERS),
    ("mood", words.MOODS),
    ("style", words.STYLES),
    ("shot", words.SHOTS),
    ("effect", words.EFFECTS),
    ("colour", words.COLOURS),
    ("size", words.SIZES),
    ("count", words.COUNTS),
    ("action", words.ACTIONS),
    ("clothes", words.CLOTHES),
    ("relation", words.RELATIONS),
    ("place", words.PLACES),
    ("negation", words.NEGATIONS),
)
# Drawings of these kinds answer to their name only; their keywords are everyday words.
BY_NAME_ONLY = {"Symbols", "Smileys & Emotion", "Flags"}
CATEGORY_RANK = (
    "Animals & Nature",
    "Travel & Places",
    "Food & Drink",
    "Objects",
    "Activities",
    "People & Body",
    "Symbols",
    "Smileys & Emotion",
    "Flags",
)
# Names of drawings that mean something else in most prompts.
NEVER_NAMES = {"on", "in", "up", "top", "back", "end", "soon", "cool", "free", "new", "ok", "id", "face", "wood", "man", "woman",
               "person", "child", "boy", "girl", "eye", "eyes", "ear", "hand", "foot", "leg", "mouth", "nose", "wing", "tail",
               "long", "life", "still", "air", "hello", "world", "hot", "中国", "热", "park", "field", "blond hair", "beard", "hair", "people", "wave", "cloud", "fog", "wind", "眼睛", "头", "手", "脸", "耳朵",
               "嘴", "鼻子", "脚", "人", "女", "男", "新", "对", "心", "空", "上", "中", "大", "小", "one", "two", "three"}  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """One thing the studio has a drawing of."""

    slug: str
    category: str
    name: str
    keywords: tuple[str, ...]
    chinese_name: str
    chinese_keywords: tuple[str, ...]


@dataclass(frozen=True)
class Term:
    """A phrase of a text and its meaning; kind "unknown" when it has none."""

    kind: str
    value: str
    text: str


@cache
def subjects() -> dict[str, Subject]:
    """Every subject that has a drawing, by slug."""
    rows: list[list[Any]] = json.loads(lzma.decompress((ASSETS / "words.json.xz").read_bytes()))
    return {
        slug: Subject(slug, category, name, tuple(keywords), chinese, tuple(chinese_keywords))
        for slug, category, name, keywords, chinese, chinese_keywords in rows
    }


def singular(word: str) -> str:
    """An English noun without its plural ending; other words may lose letters, always the same."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "xes", "sses", "oes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _phrase(text: str) -> str:
    text = text.lower().strip().replace("’", "'")
    if HAN.search(text):
        return text
    return " ".join(singular(word) for word in re.findall(r"[a-z0-9]+(?:['&][a-z0-9]+)*", text))


def _split(listed: str) -> Iterator[str]:
    return (word for part in listed.split(",") if (word := part.strip()))


class _Index(dict[str, Term]):
    """Phrases and what they mean; the first meaning of a phrase stays."""

    def put(self, text: str, kind: str, value: str) -> None:
        phrase = _phrase(text)
        if phrase and phrase not in self:
            self[phrase] = Term(kind, value, text)


@cache
def index() -> dict[str, Term]:
    """Every known phrase. Own tables come first, then names, then telling keywords."""
    found = _Index()
    for word in ("black cat", "黑猫"):
        found.put(word, "subject", "black-cat")
    for kind, table in KIND_TABLES:
        for value, listed in table.items():
            for word in _split(listed):
                found.put(word, kind, str(value))
    for slug, listed in words.SYNONYMS.items():
        if slug in subjects():
            for word in _split(listed):
                found.put(word, "subject", slug)
    for word in _split(words.IGNORED):
        found.put(word, "ignored", "")
    _put_names(found)
    _put_keywords(found)
    return found


def _put_names(found: _Index) -> None:
    for subject in sorted(subjects().values(), key=_rank):
        for name in (subject.name, subject.slug.replace("-", " "), subject.chinese_name):
            telling = len(name) > 1 or HAN.search(name)
            if telling and not name.isdigit() and name not in NEVER_NAMES:
                found.put(name, "subject", subject.slug)


def _put_keywords(found: _Index) -> None:
    shared: dict[str, list[Subject]] = {}
    for subject in sorted(subjects().values(), key=_rank):
        if subject.category not in BY_NAME_ONLY:
            for keyword in (*subject.keywords, *subject.chinese_keywords):
                shared.setdefault(keyword, []).append(subject)
    for keyword, owners in shared.items():
        telling = len(owners) <= LARGEST_SHARE and keyword not in NEVER_NAMES
        if telling and (len(keyword) > 2 or (len(keyword) > 1 and HAN.search(keyword))):
            named = [s for s in owners if keyword in s.name or keyword in s.chinese_name]
            found.put(keyword, "subject", (named or owners)[0].slug)


def _rank(subject: Subject) -> tuple[int, int, str]:
    return CATEGORY_RANK.index(subject.category), len(subject.name), subject.slug


def read(text: str) -> list[Term]:
    """The terms of a text in order. Punctuation comes as kind "pause"."""
    tokens: list[str] = TOKEN.findall(text.lower().replace("’", "'"))
    terms: list[Term] = []
    place = 0
    while place < len(tokens):
        if HAN.match(tokens[place]):
            terms += _read_han(tokens[place])
            place += 1
            continue
        taken, term = _longest_english(tokens[place : place + LONGEST_PHRASE_WORDS])
        terms.append(term)
        place += taken
    return terms


def _longest_english(tokens: list[str]) -> tuple[int, Term]:
    if not re.match(r"[a-z0-9]", tokens[0]):
        return 1, Term("pause", "", tokens[0])
    for length in range(len(tokens), 0, -1):
        text = " ".join(tokens[:length])
        if (known := index().get(_phrase(text))) and not _crosses_pause(tokens[:length]):
            return length, Term(known.kind, known.value, text)
    if tokens[0].isdigit():
        count = max(1, min(int(tokens[0][:4]), words.LARGEST_COUNT))
        return 1, Term("count", str(count), tokens[0])
    if "-" in tokens[0]:
        return _read_hyphened(tokens[0])
    return 1, Term("unknown", "", tokens[0])


def _crosses_pause(tokens: list[str]) -> bool:
    return any(not re.match(r"[a-z0-9]", token) for token in tokens)


def _read_hyphened(token: str) -> tuple[int, Term]:
    """`snow-covered` means its first known part."""
    for part in token.split("-"):
        known = index().get(_phrase(part))
        if known and known.kind not in {"ignored", "count"}:
            return 1, Term(known.kind, known.value, token)
    return 1, Term("unknown", "", token)


def _read_han(text: str) -> list[Term]:
    terms: list[Term] = []
    place = 0
    while place < len(text):
        for length in range(min(LONGEST_PHRASE_CHARACTERS, len(text) - place), 0, -1):
            piece = text[place : place + length]
            if known := index().get(piece):
                terms.append(Term(known.kind, known.value, piece))
                place += length
                break
        else:
            if terms and terms[-1].kind == "unknown":
                terms[-1] = Term("unknown", "", terms[-1].text + text[place])
            else:
                terms.append(Term("unknown", "", text[place]))
            place += 1
    return terms
