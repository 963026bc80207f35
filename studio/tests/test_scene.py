"""From words to a scene."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph_studio import lexicon
from heliograph_studio.scene import MOST_PLACED, Subject, read_scene
from heliograph_studio.settings import SETTINGS


def test_a_sentence_becomes_a_scene():
    scene = read_scene("a cinematic panda in snow")
    assert scene.subjects == (Subject("panda"),)
    assert (scene.setting, scene.snow_covered, scene.weather) == ("snow", True, "snowfall")
    assert "cinematic" in scene.moods
    assert scene.warnings == ()


def test_colour_size_and_count_belong_to_the_subject_that_follows():
    scene = read_scene("two small red boats and a giant castle")
    assert scene.subjects == (
        Subject("sailboat", 2, "red", "small"),
        Subject("castle", 1, None, "giant"),
    )


def test_chinese_says_the_same():
    scene = read_scene("两只红色的小船，大海，日落")
    assert scene.subjects == (Subject("sailboat", 2, "red"),)
    assert (scene.setting, scene.time) == ("ocean", "sunset")


def test_the_negative_prompt_removes_things_and_flips_attributes():
    scene = read_scene("a dog and a cat in snow", "cat, snow, blurry, grain")
    assert [subject.slug for subject in scene.subjects] == ["dog"]
    assert scene.weather == "clear"
    assert {"sharp", "no-grain"} <= scene.effects


def test_words_that_mean_nothing_come_back_as_a_warning():
    (warning,) = read_scene("a panda quizzaciously").warnings
    assert warning == "words not understood: quizzaciously"


def test_what_finds_no_room_is_named():
    scene = read_scene("nine dogs and nine cats and nine owls, a tree, a car")
    assert sum(subject.count for subject in scene.subjects) <= MOST_PLACED


def test_without_a_named_place_a_subject_is_drawn_where_it_lives():
    assert read_scene("a shark").setting == "underwater"
    assert read_scene("a penguin").setting == "snow"
    assert read_scene("a rocket").setting == "space"


def test_a_prompt_of_unknown_words_gives_a_scene_that_depends_on_them_alone():
    assert read_scene("xyzzy") == read_scene("  XYZZY ")
    places = {read_scene(f"xyzzy{n}").setting for n in range(20)}
    assert len(places) > 3


@pytest.mark.parametrize("word", ["moon", "月亮"])
def test_the_moon_shines_in_the_sky_of_the_world_and_makes_it_night(word):
    scene = read_scene(f"a wolf, {word}")
    assert [subject.slug for subject in scene.subjects] == ["wolf"]
    assert "moon" in scene.effects
    assert scene.time == "night"


@given(st.text(max_size=2000), st.text(max_size=500))
def test_any_text_gives_a_scene_with_a_place_and_known_subjects(prompt, negative):
    scene = read_scene(prompt, negative)
    assert scene.setting in SETTINGS
    assert all(subject.slug in lexicon.subjects() for subject in scene.subjects)
    assert sum(subject.count for subject in scene.subjects) <= MOST_PLACED
