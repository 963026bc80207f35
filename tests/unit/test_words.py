"""The operator's word list: what it finds, what it leaves alone, and what it cannot be."""

import pytest

from heliograph.base.errors import OperatorError
from heliograph.moderation.words import CODES, MAX_ENTRIES, WordList, read_words

SENSITIVE, PROHIBITED = CODES["sensitive"], CODES["prohibited"]


def words(*lines: str) -> WordList:
    return read_words("\n".join(lines), "words.txt")


def code(word_list: WordList, text: str) -> str | None:
    found = word_list.find(text)
    return found.code if found else None


def refused(*lines: str) -> str:
    with pytest.raises(OperatorError) as raised:
        words(*lines)
    return str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "gore",
        "A scene of GORE, at night",
        "(gore)",
        "gore_film",
        "night-gore",
        "\uff47\uff4f\uff52\uff45",
        "go\u200bre and go\u00adre",
        "画gore画",
        "it's gore.",
    ],
)
def test_a_word_is_found_in_every_spelling(text: str) -> None:
    assert code(words("Gore"), text) == SENSITIVE


@pytest.mark.parametrize(
    "unseen",
    [
        *("\ufe0f", "\ufe00", "\U000e0100", "\u034f", "\u180b", "\u17b4", "\u3164", "\u2800"),
        *("\u115f", "\u1160", "\uffa0", "\x00", "\x01", "\x1c", "\x7f", "\x9b", "\u200b"),
    ],
)
def test_what_nobody_sees_within_a_word_hides_nothing(unseen: str) -> None:
    assert code(words("gore"), f"a g{unseen}o{unseen}re") == SENSITIVE
    assert code(words("café"), f"cafe{unseen}\u0301") == SENSITIVE
    assert code(words("裸体"), f"裸{unseen}体") == SENSITIVE


def test_what_nobody_sees_within_an_entry_makes_no_difference() -> None:
    assert code(words("go\u2800\ufe0f\x01re"), "gore") == SENSITIVE


@pytest.mark.parametrize("space", ["\t", "\n", "\x0b", "\x0c", "\r", "\x85", "\u2028", "\u3000"])
def test_white_space_stands_between_words(space: str) -> None:
    assert code(words("red light"), f"red{space}light") == SENSITIVE
    assert code(words("gore"), f"go{space}re") is None


@pytest.mark.parametrize("text", ["gorete", "allegore", "gore2", "goré", "go re", ""])
def test_a_part_of_another_word_is_left_alone(text: str) -> None:
    assert code(words("gore"), text) is None


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("café", "a cafe\u0301 scene"),
        ("STRASSE", "eine straße"),
        ("İstanbul", "i̇stanbul"),
        ("насилие", "много НАСИЛИЕ тут"),
        ("राम", "राम"),
        ("ﬁre", "FIRE"),
    ],
)
def test_other_alphabets_are_compared_without_case_and_composition(entry: str, text: str) -> None:
    assert code(words(entry), text) == SENSITIVE


def test_a_vowel_sign_belongs_to_its_word() -> None:
    assert code(words("राम"), "रामा") is None


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("裸体", "一个裸体的人"),
        ("ヌード", "美しいヌード写真"),
        ("누드", "누드를 그려"),
        ("เปลือย", "ภาพเปลือยของคน"),
        ("ｶﾀｶﾅ", "カタカナで"),
        ("nude写真", "a NUDE写真集"),
    ],
)
def test_scripts_without_spaces_are_searched_character_by_character(entry: str, text: str) -> None:
    assert code(words(entry), text) == SENSITIVE


def test_characters_on_both_sides_of_a_stop_do_not_make_an_entry() -> None:
    assert code(words("人体"), "这里没有人。体育馆") is None


@pytest.mark.parametrize(("text", "found"), [("red   light", True), ("red\nLight district", True)])
def test_the_words_of_a_phrase_may_stand_apart_by_any_white_space(text: str, found: bool) -> None:
    assert (code(words("red light"), text) is not None) == found


@pytest.mark.parametrize("text", ["light red", "red. light", "red lights", "red traffic light"])
def test_a_phrase_is_found_as_a_whole_or_not_at_all(text: str) -> None:
    assert code(words("red light"), text) is None


def test_an_entry_leads_to_the_code_that_stands_before_it() -> None:
    word_list = words("prohibited: alpha", "SENSITIVE :beta", "gamma", "prohibited\uff1adelta")
    found = [code(word_list, name) for name in ("alpha", "beta", "gamma", "delta")]
    assert found == [PROHIBITED, SENSITIVE, SENSITIVE, PROHIBITED]


def test_the_worst_of_several_entries_counts() -> None:
    word_list = words("beta", "prohibited: alpha", "prohibited: alpha beta")
    assert code(word_list, "beta then alpha") == PROHIBITED
    assert code(word_list, "beta then gamma") == SENSITIVE


def test_the_operator_learns_which_line_it_was() -> None:
    found = words("# first", "", "prohibited: Alpha").find("alpha")
    assert found is not None
    assert found.why == "words.txt, line 3: alpha"


def test_comments_and_empty_lines_are_no_entries() -> None:
    word_list = words("\ufeff# head", "  ", "alpha # why", "c#", "\t# indented", "")
    assert len(word_list) == 2
    assert code(word_list, "written in C#") == SENSITIVE
    assert code(word_list, "why") is None


def test_an_empty_list_finds_nothing() -> None:
    assert code(words(), "anything") is None


def test_a_sign_is_part_of_an_entry() -> None:
    assert code(words("sensitive: re:zero"), "Re:Zero poster") == SENSITIVE
    assert code(words("sensitive: re:zero"), "re zero") is None


@pytest.mark.parametrize("line", ["prohibted: alpha", "re:zero", "http://example"])
def test_a_prefix_that_is_none_is_refused_with_file_and_line(line: str) -> None:
    message = refused("beta", line)
    assert message.startswith("words.txt, line 2: ")
    assert "prohibited:" in message


@pytest.mark.parametrize(
    "line", ["prohibited:", "sensitive:  ", "prohibited: # nothing", "prohibited: \u200b"]
)
def test_a_prefix_before_nothing_is_refused_with_file_and_line(line: str) -> None:
    assert refused(line).startswith("words.txt, line 1: nothing follows")


def test_a_line_that_is_a_whole_text_is_refused() -> None:
    assert refused("", "lorem " * 50).startswith("words.txt, line 2: ")


def test_a_list_without_end_is_refused() -> None:
    assert str(MAX_ENTRIES) in refused(*map(str, range(MAX_ENTRIES + 1)))


def test_a_long_list_is_looked_up_by_the_first_word_of_each_entry() -> None:
    lines = [f"word{number} tail" for number in range(20_000)]
    word_list = words(*lines)
    assert code(word_list, "word19999 tail") == SENSITIVE
    assert all(len(entries) == 1 for entries in word_list._entries.values())
