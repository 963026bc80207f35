"""Words of others, as a terminal may be shown them."""

import unicodedata

# Control and format characters, lone surrogates, separators of lines and of paragraphs: what moves the
# cursor, colours, ends a line or turns the direction of writing.
_DISTURBING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def harmless(text: str) -> str:
    r"""`text` in one line, with an escape such as \x1b for each character that could deceive a terminal."""
    return "".join(map(_harmless, text))


def harmless_lines(text: str) -> str:
    """`text`, which may have several lines, with all else that could deceive a terminal as escapes."""
    return "\n".join(map(harmless, text.split("\n")))


def _harmless(character: str) -> str:
    if unicodedata.category(character) not in _DISTURBING:
        return character
    return character.encode("unicode_escape").decode()
