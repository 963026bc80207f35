"""The characters that nobody sees."""

import sys
import unicodedata

import pytest

from heliograph.base.unseen import without_unseen

EVERY = [chr(code) for code in range(sys.maxunicode + 1)]


def test_no_format_or_control_character_stays_but_for_white_space():
    kept = {
        one for one in EVERY if unicodedata.category(one) in ("Cc", "Cf") and without_unseen(one)
    }
    assert kept == set("\t\n\v\f\r\x85")


def test_what_is_drawn_stays():
    gone = {unicodedata.category(one) for one in EVERY if not without_unseen(one)}
    assert gone == {"Cc", "Cf", "Cn", "Lo", "Mn", "So"}
    for text in (
        "a panda",
        "全角　空格",
        "é e\u0301",
        "राम",
        "한글",
        "👩🏽",
        "\u2801",
        "\u2028\u00a0",
    ):
        assert without_unseen(text) == text


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_no_spelling_makes_a_character_that_nobody_sees(form):
    for one in EVERY:
        if without_unseen(one):
            spelled = unicodedata.normalize(form, one)
            assert without_unseen(spelled) == spelled, hex(ord(one))


def test_a_text_keeps_the_rest():
    assert without_unseen("\ufeffgo\u200b\ufe0fre\u2800 \U000e0041!") == "gore !"
