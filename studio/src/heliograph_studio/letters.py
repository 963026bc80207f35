"""Which characters can be painted: Latin, Cyrillic, kana, and the common ideographs of Chinese."""

import re

# What Pillow's own typeface has.
LATIN = re.compile(r"[\u0020-\u024f\u0400-\u045f]")
# Kana and the full-width forms; ideographs are judged one by one.
KANA = re.compile(r"[\u3000-\u30ff\uff01-\uff60\u2010-\u2026\u00b7]")
# The first byte at which the second, rare level of Big5 begins.
RARE_BIG5 = 0xC7


def is_ideograph(character: str) -> bool:
    """Whether it is one of GB 2312, or of the first level of Big5: those are in our typeface."""
    return not character.isascii() and (
        bool(KANA.match(character) or _encodes(character, "gb2312")) or _is_common_big5(character)
    )


def can_paint(text: str) -> bool:
    """Whether there is a letter for every character of `text`."""
    return all(LATIN.match(one) or is_ideograph(one) for one in text)


def _encodes(character: str, encoding: str) -> bytes:
    try:
        return character.encode(encoding)
    except UnicodeEncodeError:
        return b""


def _is_common_big5(character: str) -> bool:
    encoded = _encodes(character, "big5")
    return len(encoded) == 2 and 0xA4 <= encoded[0] < RARE_BIG5
