"""From words to a scene: what stands where, in which light. Pure; nothing is drawn here."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from heliograph_studio import homes, lexicon
from heliograph_studio.draft import Draft, Subject, read_draft, split_lettering
from heliograph_studio.letters import can_paint

MOST_PLACED = 9
LONGEST_READ_CHARACTERS = 4000
UNNAMED_SETTINGS = ("meadow", "mountain", "beach", "forest", "desert", "ocean", "snow", "sky")
UNNAMED_TIMES = ("day", "sunset", "sunrise", "day")
SHOWN_TERMS_MOST = 12
# These shine in the sky of the world itself; a night is needed for the second.
SKY_LIGHTS = {
    "rainbow": "rainbow",
    "high-voltage": "lightning",
    "sun": "sun",
    "sun-with-face": "sun",
    "full-moon": "moon",
    "crescent-moon": "moon",
}
KINDS = ("subject", *(kind for kind, _ in lexicon.KIND_TABLES))
NO_SKY = {"room", "space", "moon", "underwater"}
# What the renderer cannot do whatever the words say.
BEYOND = {
    "photo": "the studio is a renderer: the picture is an illustration, not a photograph",
}


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
    lettering: str | None = None

    @property
    def table(self) -> bool:
        """True when the subjects stand on a table."""
        small = all(homes.fits_on_table(subject.slug) for subject in self.subjects)
        return self.setting == "room" and bool(self.subjects) and small

    @property
    def road(self) -> bool:
        """True when a road leads through the picture."""
        wheels = any(subject.slug in homes.WHEELED for subject in self.subjects)
        return self.setting in homes.ROADSIDE and (wheels or "road" in self.effects)

    warnings: tuple[str, ...] = ()


def read_scene(prompt: str, negative_prompt: str = "") -> Scene:
    """The scene that a prompt asks for, without what the negative prompt refuses.

    Any text gives a scene. Words that mean nothing to the studio come back in `warnings`.
    """
    text, lettering = split_lettering(prompt[:LONGEST_READ_CHARACTERS])
    draft = read_draft(lexicon.read(text))
    refused = _refused(negative_prompt, draft)
    subjects = _without(draft.subjects, refused["subject"])
    chosen = {kind: _kept(values, refused[kind]) for kind, values in draft.values.items()}
    shining = {SKY_LIGHTS[s.slug] for s in subjects if s.slug in SKY_LIGHTS}
    if shining and not set(chosen.get("setting", ())) & NO_SKY:
        subjects = _without(subjects, set(SKY_LIGHTS))
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
        lettering=lettering,
    )
    warnings = (
        *_unknown_warnings(draft),
        *_pose_warnings(draft),
        *subject_warnings,
        *_beyond(scene),
    )
    return replace(scene, warnings=warnings)


def _without(subjects: list[Subject], refused: set[str]) -> list[Subject]:
    """What is left, with the numbers of `to` made right."""
    kept = [number for number, subject in enumerate(subjects) if subject.slug not in refused]
    return [_renumbered(subjects[number], kept) for number in kept]


def _renumbered(subject: Subject, kept: list[int]) -> Subject:
    if subject.to in kept:
        return replace(subject, to=kept.index(subject.to))
    return replace(subject, to=None, relation=None)


def _kept(values: Iterable[str], refused: set[str]) -> list[str]:
    return [value for value in values if value not in refused]


def _refused(negative_prompt: str, draft: Draft) -> dict[str, set[str]]:
    """What shall not be there, by kind: the negative prompt, and "without" in the prompt."""
    refused = {kind: set(draft.refused.get(kind, ())) for kind in KINDS}
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
    placed = tuple(_renumbered(subject, list(range(len(fitted)))) for subject in fitted)
    if len(fitted) == len(subjects):
        return placed, []
    left_out = ", ".join(
        s.slug.replace("-", " ") for s in subjects[len(fitted) :][:SHOWN_TERMS_MOST]
    )
    return placed, [f"left out for lack of room: {left_out}"]


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
    if {"mountain", "lake"} <= set(places):
        return "mountain-lake"
    if places:
        return places[0]
    return _unnamed_setting(chosen, subjects, refused, prompt, open_sky=open_sky)


def _unnamed_setting(
    chosen: dict[str, list[str]],
    subjects: tuple[Subject, ...],
    refused: dict[str, set[str]],
    prompt: str,
    *,
    open_sky: bool,
) -> str:
    """Where the subjects live; without any, a place that depends on the words alone."""
    implied = [homes.home_of(subject.slug) for subject in subjects]
    if "table" in chosen.get("effect", ()):
        implied = ["room"]
    elif any(subject.aloft for subject in subjects):
        implied = ["sky", *implied]
    wild = [name for name in UNNAMED_SETTINGS if name not in refused["setting"]] or ["meadow"]
    if "snowfall" in chosen.get("weather", ()) and "snow" not in refused["setting"]:
        return "snow"
    for home in _kept(implied, refused["setting"]):
        return "meadow" if open_sky and home == "forest" else home
    if subjects or chosen.get("effect") or chosen.get("time") or chosen.get("weather"):
        return wild[0]
    return wild[_dice(prompt, "setting") % len(wild)]


def _time(
    chosen: dict[str, list[str]], refused: dict[str, set[str]], prompt: str, *, understood: bool
) -> str:
    if "aurora" in chosen.get("effect", ()):
        return "night"
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
    if "lightning" in chosen.get("effect", ()):
        return "storm"
    # A snowy mountain is white, but nobody said that it snows there.
    alone = set(chosen.get("setting", ())) == {"snow"} and "aurora" not in chosen.get("effect", ())
    if alone and "snowfall" not in refused["weather"]:
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


def _unknown_warnings(draft: Draft) -> list[str]:
    words = [word for word, _ in Counter(draft.unknown).most_common()]
    if not words:
        return []
    shown = ", ".join(word[:40] for word in words[:SHOWN_TERMS_MOST])
    more = f" and {len(words) - SHOWN_TERMS_MOST} more" if len(words) > SHOWN_TERMS_MOST else ""
    return [f"words not understood: {shown}{more}"]


def _pose_warnings(draft: Draft) -> list[str]:
    poses = ", ".join(dict.fromkeys(draft.poses[:SHOWN_TERMS_MOST]))
    return [f"poses are not drawn: {poses}"] if poses else []


def _beyond(scene: Scene) -> list[str]:
    sentences = [BEYOND[style] for style in scene.styles if style in BEYOND]
    if scene.lettering and not can_paint(scene.lettering):
        sentences.append(
            "no letters for this text are at hand, only Latin, Cyrillic and Chinese ones"
        )
    return sentences


def _dice(prompt: str, purpose: str) -> int:
    text = re.sub(r"\s+", " ", prompt.strip().lower())
    digest = hashlib.sha256(f"{purpose}:{text}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big")
