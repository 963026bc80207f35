"""Which reference gives what: content, style or colour. Pure text; nothing is drawn here."""

import re
from dataclasses import dataclass

CONTENT, STYLE, COLOUR = "content", "style", "colour"
NUMERALS = {
    "1": 1, "2": 2, "3": 3, "one": 1, "two": 2, "three": 3, "first": 1, "second": 2, "third": 3, "1st": 1, "2nd": 2,
    "3rd": 3, "一": 1, "二": 2, "三": 3,
}  # fmt: skip
NOUN = r"(?:reference\s+)?(?:image|picture|photo|img|pic|reference|ref)s?"
MENTIONS = (
    re.compile(rf"\b{NOUN}\s*#?\s*(?P<n>[123]|one|two|three)\b"),
    re.compile(rf"\b(?P<n>first|second|third|1st|2nd|3rd)\s+{NOUN}\b"),
    re.compile(r"第\s*(?P<n>[123一二三])\s*(?:张|幅|个)?\s*(?:图片|图像|图|照片|参考图)?"),
    re.compile(r"(?:参考图|图片|图像|照片|图)\s*(?P<n>[123一二三])"),
)
ROLE_WORDS = {
    STYLE: re.compile(
        r"styl|brush|stroke|textur|painting|artistic|technique|look of|风格|画风|笔触|纹理|画法|样式"
    ),
    COLOUR: re.compile(
        r"colou?r|palette|mood|tone|tint|hue|grading|grade|atmosphere|lighting|色|氛围|光影|情绪|气氛"
    ),
    CONTENT: re.compile(
        r"content|subject|person|structure|composition|layout|shape|face|base|character|object|pose|内容|主体|构图|结构|人物|物体|形状"
    ),
}
BREAK = re.compile(
    r"[,;.\n，；。、]|\b(?:and|into|onto|to|while|with|then|but)\b|和|与|到|并|应用|融入|，"
)
# What would need to understand the picture. The words are shown as they are.
UNDOABLE = re.compile(
    r"\b(?:replace|remove|delete|erase|swap|turn (?:it |her |him |them )?into|wear(?:ing)?|dress(?:ed)?|smil(?:e|ing)|pose|posing|"
    r"identity|hairstyle|haircut|face swap|clothes|clothing|outfit|expression|gesture|rotate|facing|younger|older|age)\b"
    r"|替换|换成|换装|去掉|移除|删除|变成|穿着?|微笑|姿势|姿态|发型|换脸|衣服|表情|转身|变老|变年轻"
)
ADDING = re.compile(r"\b(?:add|put|place|insert|include|adding)\b|添加|加上|加入|放置|放上|增加")
SUBTLE = re.compile(
    r"\b(?:subtle|subtly|slight|slightly|a little|light touch|hint)\b|轻微|略微|淡淡"
)
STRONG = re.compile(r"\b(?:strong|strongly|fully|completely|heavy|heavily|bold)\b|强烈|完全|浓重")


@dataclass(frozen=True)
class Roles:
    """Numbers of references counted from 1; None where nobody plays a part."""

    content: int
    style: int | None
    colour: int | None
    strength: float
    adds: bool
    warnings: tuple[str, ...]


def read_roles(prompt: str, count: int) -> Roles:
    """What each of `count` references is for, from the prompt and the order they come in."""
    text = prompt.lower()
    named, missing = _named_roles(text, count)
    content = named.get(CONTENT) or _first_free(named, count)
    style, colour = named.get(STYLE), named.get(COLOUR)
    used = {content, style, colour}
    spare = [number for number in range(1, count + 1) if number not in used]
    if style is None and colour is None and spare:
        style = spare.pop(0)
        colour = spare.pop(0) if spare else None
    warnings = [f"there is no image {number}" for number in missing]
    warnings += [f"image {number} was not used" for number in spare]
    warnings += _undoable(text)
    return Roles(
        content, style, colour, _strength(text), bool(ADDING.search(text)), tuple(warnings)
    )


def _named_roles(text: str, count: int) -> tuple[dict[str, int], list[int]]:
    named: dict[str, int] = {}
    missing: set[int] = set()
    for clause in BREAK.split(text):
        numbers = mentioned(clause)
        missing |= {number for number in numbers if number > count}
        present = [number for number in numbers if number <= count]
        for role, words in ROLE_WORDS.items():
            if present and words.search(clause):
                named.setdefault(role, present[-1])
                break
    return named, sorted(missing)


def mentioned(text: str) -> list[int]:
    """Numbers of the references that a text names, in order."""
    found = [(m.start(), NUMERALS[m["n"]]) for p in MENTIONS for m in p.finditer(text)]
    return list(dict.fromkeys(number for _, number in sorted(found)))


def without_mentions(text: str) -> str:
    """The text without the names of references, so that their numbers count nothing."""
    text = text.lower()
    for pattern in MENTIONS:
        text = pattern.sub(" ", text)
    return text


def _first_free(named: dict[str, int], count: int) -> int:
    taken = set(named.values())
    return next((n for n in range(1, count + 1) if n not in taken), 1)


def _undoable(text: str) -> list[str]:
    words = sorted({match.group(0).strip() for match in UNDOABLE.finditer(text)})
    if not words:
        return []
    listed = ", ".join(words[:6])
    return [f"not done, it would need to understand the picture: {listed}"]


def _strength(text: str) -> float:
    if SUBTLE.search(text):
        return 0.55
    return 0.95 if STRONG.search(text) else 0.72
