"""Characters that nobody sees, and that texts are compared and judged without."""

import re
from typing import Final

# Unicode's Default_Ignorable_Code_Point; the other format characters; control characters that are
# no white space; and the empty Braille pattern, which is drawn as nothing.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"
    "\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)


def without_unseen(text: str) -> str:
    """`text` without the characters that nobody sees; white space stays."""
    return _UNSEEN.sub("", text)
