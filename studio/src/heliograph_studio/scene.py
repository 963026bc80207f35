"""From words to a scene: what stands where, in which light. Pure; nothing is drawn here."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from heliograph_studio import homes, lexicon
from heliograph_studio.lexicon import Term

MOST_PLACED = 9
LONGEST_READ_CHARACTERS = 4000
UNNAMED_SETTINGS = ("meadow", "mountain", "beach", "forest", "desert", "ocean", "snow", "sky")
UNNAMED_TIMES = ("day", "sunset", "sunrise", "day")
SHOWN_TERMS_MOST = 12
# These shine in the sky of the world itself; a night is needed for the second.
SKY_LIGHTS = {"sun": "sun", "sun-with-face": "sun", "full-moon": "moon", "crescent-moon": "moon"}
NO_SKY = {"room", "space", "underwater"}
# What the renderer cannot do whatever the words say.
BEYOND = {
    "photo": "the studio is a renderer: the picture is an illustration, not a photograph",
}


@dataclass(frozen=True)
class Subject:
    """Some of one thing: the slug of its drawing, how many, and what they look like."""

    slug: str
    count: int = 1
    colour: str | None = None
    size: str | None = None


@dataclass(frozen=True)
class Scene:
    """Everything the prompt says about the picture. The seed decides the rest."""

    subjects: tuple[Subject, ...] = ()
    setting: str = "meadow"
    snow_covered: bool = False
    time: str = "day"
    weather: str = "clear"
    moods: frozenset[str] = frozenset()
    styles: tuple[str, ...] = ()
    colour: str | None = None
    shot: str | None = None
    effects: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()


@dataclass
class _Draft:
    """The terms of a prompt, sorted while they are read."""

    subjects: list[Subject] = field(default_factory=list)
    values: dict[str, list[str]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    pending: dict[str, str] = field(default_factory=dict)

    def take(self, term: Term) -> None:
        if term.kind in {"colour", "size", "count"}:
            self.pending[term.kind] = term.value
        elif term.kind == "subject":
            self._place(term.value)
        elif term.kind == "unknown":
            self.unknown.append(term.text)
        elif term.kind == "pause":
            self.flush()
        elif term.kind != "ignored":
            self.values.setdefault(term.kind, []).append(term.value)
            self.pending.pop("count", None)

    def flush(self) -> None:
        """A clause ends: a colour that found nothing to colour is the picture's."""
        if colour := self.pending.get("colour"):
            self.values.setdefault("colour", []).append(colour)
        self.pending.clear()

    def _place(self, slug: str) -> None:
        count = int(self.pending.get("count", 1))
        subject = Subject(slug, count, self.pending.get("colour"), self.pending.get("size"))
        self.pending.clear()
        known = next((s for s in self.subjects if s.slug == slug), None)
        if known is None or (known.colour != subject.colour and subject.colour):
            self.subjects.append(subject)


def read_scene(prompt: str, negative_prompt: str = "") -> Scene:
    """The scene that a prompt asks for, without what the negative prompt refuses.

    Any text gives a scene. Words that mean nothing to the studio come back in `warnings`.
    """
    draft = _Draft()
    for term in lexicon.read(prompt[:LONGEST_READ_CHARACTERS]):
        draft.take(term)
    draft.flush()
    refused = _refused(negative_prompt)
    subjects = [s for s in draft.subjects if s.slug not in refused["subject"]]
    chosen = {kind: _kept(values, refused[kind]) for kind, values in draft.values.items()}
    shining = {SKY_LIGHTS[s.slug] for s in subjects if s.slug in SKY_LIGHTS}
    if shining and not set(chosen.get("setting", ())) & NO_SKY:
        subjects = [s for s in subjects if s.slug not in SKY_LIGHTS]
        chosen.setdefault("effect", []).extend(sorted(shining))
        if "moon" in shining:
            chosen.setdefault("time", ["night"])
    placed, subject_warnings = _fit(subjects)
    scene = Scene(
        subjects=placed,
        setting=_setting(chosen, placed, refused, prompt, open_sky=bool(shining)),
        snow_covered="snow" in chosen.get("setting", ()) or "snowfall" in chosen.get("weather", ()),
        time=_time(chosen, refused, prompt, understood=bool(placed or chosen)),
        weather=_weather(chosen, refused),
        moods=frozenset(chosen.get("mood", ())),
        styles=tuple(dict.fromkeys(chosen.get("style", ()))),
        colour=next(iter(chosen.get("colour", ())), None),
        shot=next(iter(chosen.get("shot", ())), None),
        effects=frozenset(_effects(chosen, refused)),
    )
    return replace(scene, warnings=(*_unknown_warnings(draft), *subject_warnings, *_beyond(scene)))


def _kept(values: Iterable[str], refused: set[str]) -> list[str]:
    return [value for value in values if value not in refused]


def _refused(negative_prompt: str) -> dict[str, set[str]]:
    refused: dict[str, set[str]] = {
        kind: set() for kind in ("subject", *(kind for kind, _ in lexicon.KIND_TABLES))
    }
    for term in lexicon.read(negative_prompt[:LONGEST_READ_CHARACTERS]):
        if term.kind in refused:
            refused[term.kind].add(term.value)
    if "snow" in refused["setting"]:
        refused["weather"].add("snowfall")
    return refused


def _fit(subjects: list[Subject]) -> tuple[tuple[Subject, ...], list[str]]:
    """No more things than the stage has room for."""
    fitted: list[Subject] = []
    room = MOST_PLACED
    for index, subject in enumerate(subjects):
        later = min(len(subjects) - index - 1, room - 1)
        count = min(subject.count, max(1, room - later))
        if room <= 0:
            break
        fitted.append(replace(subject, count=count))
        room -= count
    left_out = [s.slug.replace("-", " ") for s in subjects[len(fitted) :]]
    if left_out:
        return tuple(fitted), [
            f"left out for lack of room: {', '.join(left_out[:SHOWN_TERMS_MOST])}"
        ]
    return tuple(fitted), []


def _setting(
    chosen: dict[str, list[str]],
    subjects: tuple[Subject, ...],
    refused: dict[str, set[str]],
    prompt: str,
    *,
    open_sky: bool,
) -> str:
    # Snow lies on another place when the prompt names one: a snowy mountain is a mountain.
    named = chosen.get("setting", [])
    places = [name for name in named if name != "snow"] or named
    if places:
        return places[0]
    implied = [homes.home_of(subject.slug) for subject in subjects]
    wild = [name for name in UNNAMED_SETTINGS if name not in refused["setting"]] or ["meadow"]
    if "snowfall" in chosen.get("weather", ()) and "snow" not in refused["setting"]:
        return "snow"
    for home in _kept(implied, refused["setting"]):
        return "meadow" if open_sky and home == "forest" else home
    if subjects or chosen.get("time") or chosen.get("weather"):
        return wild[0]
    return wild[_dice(prompt, "setting") % len(wild)]


def _time(
    chosen: dict[str, list[str]], refused: dict[str, set[str]], prompt: str, *, understood: bool
) -> str:
    if named := chosen.get("time"):
        return "night" if "night" in named else named[0]
    moods = set(chosen.get("mood", ()))
    if moods & {"dark", "neon"} and "night" not in refused["time"]:
        return "night"
    if moods & {"warm", "cinematic"} and "sunset" not in refused["time"]:
        return "golden"
    times = _kept(UNNAMED_TIMES, refused["time"]) or ["day"]
    return times[0] if understood else times[_dice(prompt, "time") % len(times)]


def _weather(chosen: dict[str, list[str]], refused: dict[str, set[str]]) -> str:
    if named := chosen.get("weather"):
        return next((name for name in named if name != "clear"), named[0])
    if "snow" in chosen.get("setting", ()) and "snowfall" not in refused["weather"]:
        return "snowfall"
    return "cloudy" if "clear" in refused["weather"] else "clear"


def _effects(chosen: dict[str, list[str]], refused: dict[str, set[str]]) -> set[str]:
    effects = set(chosen.get("effect", ()))
    if "blur" in refused["effect"]:
        effects = effects - {"blur"} | {"sharp"}
    for name in ("grain", "vignette"):
        if name in refused["effect"]:
            effects.add(f"no-{name}")
    return effects


def _unknown_warnings(draft: _Draft) -> list[str]:
    words = [word for word, _ in Counter(draft.unknown).most_common()]
    if not words:
        return []
    shown = ", ".join(word[:40] for word in words[:SHOWN_TERMS_MOST])
    more = f" and {len(words) - SHOWN_TERMS_MOST} more" if len(words) > SHOWN_TERMS_MOST else ""
    return [f"words not understood: {shown}{more}"]


def _beyond(scene: Scene) -> list[str]:
    return [BEYOND[style] for style in scene.styles if style in BEYOND]


def _dice(prompt: str, purpose: str) -> int:
    text = re.sub(r"\s+", " ", prompt.strip().lower())
    digest = hashlib.sha256(f"{purpose}:{text}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big")
