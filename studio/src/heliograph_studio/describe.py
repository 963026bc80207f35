"""What was understood of a prompt, in one sentence for the reader."""

from heliograph_studio.draft import Subject
from heliograph_studio.lexicon import subjects
from heliograph_studio.scene import Scene

RELATION_WORDS = {
    "on": "on",
    "above": "over",
    "under": "under",
    "behind": "behind",
    "front": "in front of",
}


def name_of(subject: Subject) -> str:
    """`two red cats` as "2 red cat"."""
    count = str(subject.count) if subject.count > 1 else ""
    name = subjects()[subject.slug].name
    return " ".join(part for part in (count, subject.size, subject.colour, name) if part)


def describe(scene: Scene) -> str:
    """The things, the place and its light, the look: `1 panda; snow, day, snowfall; cinematic`."""
    things = [_with_relation(subject, scene) for subject in scene.subjects]
    place = [scene.setting, scene.time, scene.weather, *(["road"] if scene.road else [])]
    place += ["table"] if scene.table else []
    shot = [f"{scene.shot} shot"] if scene.shot else []
    look = [*sorted(scene.moods), *scene.styles, *sorted(scene.effects), *shot]
    if scene.colour:
        look.append(scene.colour)
    if scene.lettering:
        look.append(f'"{scene.lettering}"')
    return "; ".join(", ".join(part) for part in (things, place, look) if part)


def _with_relation(subject: Subject, scene: Scene) -> str:
    if subject.relation in RELATION_WORDS and subject.to is not None:
        other = subjects()[scene.subjects[subject.to].slug].name
        return f"{name_of(subject)} {RELATION_WORDS[subject.relation]} {other}"
    return name_of(subject)
