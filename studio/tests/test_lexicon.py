"""What words mean, in both languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph_studio import lexicon, words


def meanings(text):
    return [(t.kind, t.value) for t in lexicon.read(text) if t.kind not in {"ignored", "pause"}]


def subjects_in(text):
    return [value for kind, value in meanings(text) if kind == "subject"]


@pytest.mark.parametrize(
    ("english", "chinese", "slug"),
    [
        ("a panda", "一只大熊猫", "panda"),
        ("two kittens", "两只小猫咪", "cat"),
        ("the old lighthouse", "古老的灯塔", "lighthouse"),
        ("sailboats", "帆船", "sailboat"),
        ("a cup of coffee", "一杯咖啡", "hot-beverage"),
        ("Butterflies!", "蝴蝶！", "butterfly"),
        ("some wolves", "一群狼", "wolf"),
        ("a sports car", "跑车", "racing-car"),
    ],
)
def test_both_languages_name_the_same_subject(english, chinese, slug):
    assert subjects_in(english) == subjects_in(chinese) == [slug]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("under the sea", ("setting", "underwater")),
        ("海底", ("setting", "underwater")),
        ("golden hour", ("time", "sunset")),
        ("bird's eye view", ("shot", "high")),
        ("snow-covered", ("setting", "snow")),
        ("赛博朋克", ("mood", "neon")),
        ("黑猫", ("subject", "black-cat")),
    ],
)
def test_the_longest_known_phrase_wins(text, meaning):
    assert meanings(text) == [meaning]


def test_a_phrase_does_not_reach_over_a_comma():
    assert meanings("teddy, bear") != meanings("teddy bear")


def test_numerals_count_up_to_the_room_on_the_stage():
    assert meanings("3 dogs") == [("count", "3"), ("subject", "dog")]
    assert meanings("5000 dogs")[0] == ("count", str(words.LARGEST_COUNT))


def test_unknown_words_are_kept_as_they_were_written():
    unknown = [term.text for term in lexicon.read("a frobnicated 囗囗 panda")]
    assert "frobnicated" in unknown
    assert "囗囗" in unknown


def test_more_than_seventeen_hundred_subjects_have_a_drawing_and_a_name_in_both_languages():
    found = lexicon.subjects()
    assert len(found) > 1700
    assert sum(bool(subject.chinese_name) for subject in found.values()) > 0.8 * len(found)


def test_every_listed_word_means_what_its_table_says():
    for kind, table in lexicon.KIND_TABLES:
        for value, listed in table.items():
            first = listed.split(",")[0]
            assert meanings(first) == [(kind, str(value))], first


def test_every_synonym_names_a_drawing():
    assert [slug for slug in words.SYNONYMS if slug not in lexicon.subjects()] == []


@given(st.text(max_size=300))
def test_any_text_is_read_to_its_end(text):
    for term in lexicon.read(text):
        assert term.kind in {"unknown", "pause", "ignored", "subject"} | set(
            dict(lexicon.KIND_TABLES)
        )
