"""Given pictures changed: style, palette, weather, hour, and a subject set in."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from heliograph_studio import lexicon
from heliograph_studio.describe import name_of
from heliograph_studio.fit import decode, fit
from heliograph_studio.inlay import inlay
from heliograph_studio.network import in_style, style_of
from heliograph_studio.order import Order, Picture
from heliograph_studio.palette import keep_light, take_palette
from heliograph_studio.pixels import Pixels
from heliograph_studio.png import encode_png
from heliograph_studio.roles import Roles, read_roles, without_mentions
from heliograph_studio.scene import Scene, read_scene
from heliograph_studio.styles import apply_style
from heliograph_studio.weather import add_fog, add_rain, add_snow, add_sparks

Report = Callable[[float], None]

# Strokes shrink as the network's side grows; this keeps them visible.
NETWORK_SIDE_PX = 496
LIGHT_SHARE = 0.74
# Words about the work itself; they ask for nothing that the studio did not understand.
WORK_WORDS = frozenset(
    [
        "merge",
        "keep",
        "use",
        "using",
        "apply",
        "transfer",
        "change",
        "convert",
        "transform",
        "restyle",
        "edit",
        "turn",
        "add",
        "put",
        "place",
        "insert",
        "include",
        "blend",
        "combine",
        "mix",
        "give",
        "take",
        "same",
        "original",
        "preserve",
        "maintain",
        "match",
        "into",
        "image",
        "images",
        "picture",
        "photo",
        "reference",
        "palette",
        "structure",
        "content",
        "composition",
        "subject",
        "brush",
        "strokes",
        "stroke",
        "texture",
        "painting",
        "it",
        "its",
        "like",
        "more",
        "less",
        "subtle",
        "slightly",
        "strong",
        "make",
        "made",
        "become",
        "grade",
        "grading",
        "effect",
        "filter",
        "保持",
        "使用",
        "转换",
        "融合",
        "合并",
        "参考",
        "变成",
        "改成",
        "换成",
        "把",
        "将",
        "让",
        "应用",
        "加",
        "添加",
        "加上",
        "用",
        "保留",
        "内容",
        "主体",
        "构图",
        "结构",
        "改",
        "变",
        "转",
        "为",
        "成",
        "画风",
        "笔触",
        "原图",
        "颜色",
        "色彩",
        "不变",
        "变为",
        "融入",
        "参照",
    ]
)
HOUR_TINTS: dict[str, tuple[tuple[float, float, float], float, float]] = {
    # multiplied colour, lightness factor, contrast
    "night": ((0.46, 0.64, 1.10), 0.36, 1.10),
    "sunset": ((1.16, 0.90, 0.66), 0.94, 1.05),
    "golden": ((1.10, 0.98, 0.82), 1.00, 1.04),
    "sunrise": ((1.12, 0.97, 0.92), 1.04, 0.96),
}


@dataclass(frozen=True)
class _Task:
    """What the words of the prompt ask to be done with the content."""

    scene: Scene
    said: frozenset[str]


def restyle(order: Order, report: Report) -> Picture:
    """The picture that an order with references asks for."""
    references = [decode(data, number) for number, data in enumerate(order.references, 1)]
    report(0.05)
    roles = read_roles(order.prompt, len(references))
    task = _read_task(order)
    warnings = [*roles.warnings, *_word_warnings(order)]
    picture, note = fit(references[roles.content - 1], order.width, order.height)
    if note:
        warnings.append(note)
    report(0.12)
    rng = np.random.default_rng(order.seed & 0xFFFFFFFFFFFF)
    if roles.style is not None:
        picture = _in_style_of(picture, references[roles.style - 1], roles.strength, rng)
    report(0.55)
    if roles.colour is not None:
        picture = take_palette(picture, references[roles.colour - 1])
    report(0.70)
    picture, changed = _edit(picture, task, roles, rng, order.seed)
    report(0.92)
    if not changed and roles.style is None and roles.colour is None:
        warnings.append(
            "nothing in the prompt could be applied to the picture; it is returned as it was"
        )
    finished = (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
    return Picture(encode_png(finished, order), tuple(warnings), _plan(roles, task))


def _plan(roles: Roles, task: _Task) -> str:
    """One sentence: which picture gave what, and what the words changed."""
    parts = [f"content of image {roles.content}"]
    if roles.style is not None:
        parts.append(f"style of image {roles.style}")
    if roles.colour is not None:
        parts.append(f"colours of image {roles.colour}")
    scene = task.scene
    if "time" in task.said:
        parts.append(scene.time)
    if "weather" in task.said:
        parts.append(scene.weather)
    parts += [*sorted(scene.moods), *scene.styles]
    if roles.adds:
        parts += [name_of(subject) for subject in scene.subjects[:3]]
    return ", ".join(parts)


def _read_task(order: Order) -> _Task:
    text = without_mentions(order.prompt)
    scene = read_scene(text, order.negative_prompt)
    kinds = frozenset(term.kind for term in lexicon.read(text))
    return _Task(scene, kinds)


def _word_warnings(order: Order) -> list[str]:
    terms = lexicon.read(without_mentions(order.prompt))
    unknown = [t.text for t in terms if t.kind == "unknown" and t.text not in WORK_WORDS]
    unknown = [
        w
        for w in dict.fromkeys(unknown)
        if not any(len(k) > 1 and k in w for k in WORK_WORDS if not k.isascii())
    ]
    return (
        [f"words not understood: {', '.join(word[:40] for word in unknown[:12])}"]
        if unknown
        else []
    )


def _in_style_of(
    content: Pixels, style: Pixels, strength: float, rng: np.random.Generator
) -> Pixels:
    height, width = content.shape[:2]
    side = NETWORK_SIDE_PX + int(rng.integers(-3, 4)) * 16
    scale = min(1.0, side / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    small = cv2.resize(content, size, interpolation=cv2.INTER_AREA)
    mixed = strength * style_of(style) + (1 - strength) * style_of(content)
    drawn = in_style(small, mixed.astype(np.float32))
    large = cv2.resize(drawn, (width, height), interpolation=cv2.INTER_CUBIC)
    return keep_light(np.clip(large, 0, 1), content, LIGHT_SHARE)


def _edit(
    picture: Pixels, task: _Task, roles: Roles, rng: np.random.Generator, seed: int
) -> tuple[Pixels, bool]:
    """Everything the words ask for, in the order in which a film lab would do it."""
    before, scene = picture, task.scene
    if roles.adds and scene.subjects:
        picture = inlay(picture, replace(scene, subjects=scene.subjects[:3]), seed)
    if "time" in task.said:
        picture = _at_hour(picture, scene.time)
    if "weather" in task.said or (scene.snow_covered and roles.style is None):
        picture = _in_weather(picture, scene, rng)
    if roles.colour is None:
        picture = _in_mood(picture, scene)
    if roles.style is None:
        for style in scene.styles:
            picture = apply_style(picture, style)
    if "magic" in scene.moods:
        picture = np.clip(add_sparks(picture, rng), 0, 1).astype(np.float32)
    if "sharp" in scene.effects and "effect" in task.said:
        picture = np.clip(picture + 0.6 * (picture - cv2.GaussianBlur(picture, (0, 0), 1.4)), 0, 1)
    if "blur" in scene.effects:
        picture = cv2.GaussianBlur(picture, (0, 0), max(1.0, picture.shape[1] * 0.006))
    return picture, picture is not before


def _at_hour(picture: Pixels, hour: str) -> Pixels:
    if hour not in HOUR_TINTS:
        return np.clip(0.5 + (picture - 0.5) * 1.02 + 0.06, 0, 1).astype(np.float32)
    tint, factor, contrast = HOUR_TINTS[hour]
    linear = picture**2.2 * np.array(tint, np.float32) * factor
    if hour in {"sunset", "sunrise", "golden"}:
        down = np.linspace(1.25, 0.85, picture.shape[0], dtype=np.float32)[:, None, None]
        linear = linear * (1 + (down - 1) * np.array([1.0, 0.4, -0.4], np.float32))
    shown = np.clip(linear, 0, 1) ** (1 / 2.2)
    return np.clip((shown - 0.5) * contrast + 0.5, 0, 1).astype(np.float32)


def _in_weather(picture: Pixels, scene: Scene, rng: np.random.Generator) -> Pixels:
    """Weather between lens and picture. Depth is a guess: what is higher up is farther away."""
    height, width = picture.shape[:2]
    depth = np.repeat(np.linspace(1, 0.1, height, dtype=np.float32)[:, None], width, axis=1)
    open_air = np.full((height, width), 99.0, np.float32)
    gray = np.array([0.74, 0.77, 0.80], np.float32) * float(0.35 + 0.9 * picture.mean())
    match scene.weather:
        case "snowfall":
            cold = _snowed(picture, depth)
            return np.clip(add_snow(add_fog(cold, depth * 0.14, gray), open_air, rng), 0, 1)
        case "rain" | "storm":
            dull = picture * np.array([0.80, 0.84, 0.90], np.float32)
            wet = add_fog(dull, depth * 0.18, gray)
            return np.clip(add_rain(wet, open_air, rng, heavy=scene.weather == "storm"), 0, 1)
        case "fog":
            return add_fog(picture, depth * 0.75, np.clip(gray * 1.1, 0, 0.95))
        case "cloudy":
            return (picture * np.array([0.88, 0.90, 0.93], np.float32)).astype(np.float32)
        case _:
            return np.clip(picture * np.array([1.06, 1.03, 0.97], np.float32), 0, 1)


def _snowed(picture: Pixels, depth: Pixels) -> Pixels:
    """Colder, with a cover of snow on the ground and on what faces upward, where it can be told."""
    cold = picture * np.array([0.94, 0.98, 1.04], np.float32)
    light = picture.mean(axis=2)
    soft = cv2.GaussianBlur(light, (0, 0), max(1.0, picture.shape[0] * 0.004))
    upper_edge = np.clip(-8 * cv2.Sobel(soft, cv2.CV_32F, 0, 1) * -1, 0, 1)
    cover = np.clip(0.62 * np.clip((0.45 - depth) / 0.12, 0, 1) + 0.6 * upper_edge, 0, 0.85)
    white = (0.55 + 0.42 * light)[..., None] * np.array([0.96, 0.98, 1.0], np.float32)
    return cold + (white - cold) * cover[..., None]


def _in_mood(picture: Pixels, scene: Scene) -> Pixels:
    light = picture.mean(axis=2, keepdims=True)
    for mood, tint, colour, contrast in (
        ("cinematic", (1.03, 1.00, 0.96), 1.02, 1.14),
        ("warm", (1.09, 1.00, 0.86), 1.06, 1.02),
        ("cold", (0.90, 0.99, 1.11), 0.96, 1.02),
        ("dark", (0.78, 0.80, 0.86), 0.72, 1.18),
        ("happy", (1.03, 1.02, 1.00), 1.32, 1.03),
        ("calm", (1.02, 1.01, 1.02), 0.90, 0.90),
        ("neon", (1.02, 0.86, 1.16), 1.45, 1.14),
        ("spring", (1.02, 1.05, 0.98), 1.15, 1.00),
    ):
        if mood in scene.moods:
            graded = (light + (picture - light) * colour) * np.array(tint, np.float32)
            picture = np.clip((graded - 0.5) * contrast + 0.5, 0, 1).astype(np.float32)
            light = picture.mean(axis=2, keepdims=True)
    if "cinematic" in scene.moods:
        shade = np.array([-0.025, 0.004, 0.030], np.float32)
        picture = np.clip(picture + (1 - light) * shade - light * shade * 0.6, 0, 1).astype(
            np.float32
        )
    return picture
