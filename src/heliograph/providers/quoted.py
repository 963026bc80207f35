"""What an upstream has said, as it may be shown and kept."""

QUOTED_CHARACTERS = 200


def quoted(words: str) -> str:
    """`words` on one line, cut short, without what is not to be seen: a NUL no database takes."""
    visible = "".join(letter if letter.isprintable() else " " for letter in words)
    return " ".join(visible.split())[:QUOTED_CHARACTERS]
