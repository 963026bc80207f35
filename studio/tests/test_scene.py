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
        Subject("sailboat", 2, "red", "small", "beside", 1),
        Subject("castle", 1, None, "giant"),
    )


@pytest.mark.parametrize(
    ("prompt", "first", "relation", "second"),
    [
        ("a bird on top of an elephant", "bird", "on", "elephant"),
        ("一只鸟在大象上面", "bird", "on", "elephant"),
        ("大象上的鸟", "bird", "on", "elephant"),
        ("a dragon flying over a castle", "dragon", "above", "castle"),
        ("一条龙飞过城堡", "dragon", "above", "castle"),
        ("a fox behind a tree", "fox", "behind", "deciduous-tree"),
        ("大树后面的狐狸", "fox", "behind", "deciduous-tree"),
        ("a cat in front of a house", "cat", "front", "house"),
        ("a dog under an umbrella", "dog", "under", "umbrella"),
    ],
)
def test_how_two_subjects_stand_to_each_other(prompt, first, relation, second):
    subjects = read_scene(prompt).subjects
    (one,) = [subject for subject in subjects if subject.slug == first]
    assert (one.relation, subjects[one.to].slug) == (relation, second)


def test_clothes_colour_whoever_wears_them():
    (woman,) = read_scene("a woman in a red dress").subjects
    assert (woman.slug, woman.colour) == ("woman-standing", "red")
    (girl,) = read_scene("穿红裙子的女孩").subjects
    assert (girl.slug, girl.colour) == ("girl", "red")
    (dress,) = read_scene("a red dress").subjects
    assert (dress.slug, dress.colour) == ("dress", "red")


def test_words_in_quotes_are_lettering_and_nothing_else():
    scene = read_scene('a panda and the title "SNOW TIGER"')
    assert scene.lettering == "SNOW TIGER"
    assert [subject.slug for subject in scene.subjects] == ["panda"]


def test_letters_that_are_not_at_hand_are_named():
    assert "no letters for this text" in read_scene('a panda, saying "ไพศาล"').warnings[0]


def test_without_refuses_what_follows():
    scene = read_scene("a dog in snow without trees, no cats")
    assert [subject.slug for subject in scene.subjects] == ["dog"]


def test_an_english_plural_is_three():
    assert read_scene("cats").subjects[0].count == 3


def test_wheels_get_a_road_and_small_things_a_table():
    assert read_scene("a car in the desert").road
    assert read_scene("a cup of coffee").table
    assert not read_scene("a dog in the desert").road


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


@pytest.mark.parametrize(
    ("prompt", "setting", "weather"),
    [
        ("a panda in a bamboo forest", "bamboo", "clear"),
        ("竹林里的熊猫", "bamboo", "clear"),
        ("雪山，湖泊", "mountain-lake", "clear"),
        ("a snowy mountain", "mountain", "clear"),
        ("a dog in snow", "snow", "snowfall"),
        ("snow falling on a mountain, snowing", "mountain", "snowfall"),
    ],
)
def test_places_and_their_weather(prompt, setting, weather):
    scene = read_scene(prompt)
    assert (scene.setting, scene.weather) == (setting, weather)


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
