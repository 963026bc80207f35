"""Who stands where, and how seeds differ."""

import math

import numpy as np
import pytest

from heliograph_studio import Order
from heliograph_studio.kernels import layout
from heliograph_studio.scene import read_scene


@pytest.fixture
def things(cache_dir):
    """The rows of the subjects of a prompt."""
    from heliograph_studio.stage import build_stage

    return lambda prompt, seed: build_stage(read_scene(prompt), 96, 96, seed)[0].things


@pytest.fixture
def film(cache_dir):
    """What the renderer saw of a prompt."""
    from heliograph_studio.drawing import render

    return lambda prompt, seed=1: render(Order(prompt, "", 96, 96, seed), lambda _: None)[1]


def test_seeds_turn_an_animal_and_change_its_pose(cache_dir):
    from heliograph_studio.stage import build_stage

    stages = [build_stage(read_scene("a fox"), 96, 96, seed)[0] for seed in (1, 2)]
    rows = [stage.things[0, [layout.THING_SIN, layout.THING_COS]] for stage in stages]
    assert np.ptp([math.atan2(*row) for row in rows]) > 0.3
    # Where one sits there is a body at half its height; on all fours there are legs.
    low = [float((stage.volumes[0, :, :30, :, 0] < 0).mean()) for stage in stages]
    assert max(low) > 1.3 * min(low)


def test_what_carries_another_sits_still(things):
    for seed in (1, 2):
        carrier, rider = things("a bird on top of a fox", seed)[[1, 0]]
        assert rider[layout.THING_Y] > carrier[layout.THING_Y] + 1


def test_several_of_a_kind_are_not_copies_of_each_other(things):
    rows = things("three penguins", 2)
    assert len({round(row[layout.THING_SCALE], 3) for row in rows}) == 3
    assert len({round(row[layout.THING_SIN], 3) for row in rows}) == 3


@pytest.mark.parametrize("seed", [1, 2])
def test_all_five_of_two_rows_are_seen(film, seed):
    seen = film("five chicks on a farm", seed).subjects
    assert all((seen == number).mean() > 0.003 for number in range(5))


def test_what_stands_behind_a_tree_looks_out_beside_it(film):
    for seed in (1, 2):
        seen = film("a fox behind a tree", seed).subjects
        assert (seen == 0).mean() > 0.01


def test_fog_lies_over_fur_as_over_anything_else(film):
    def darkest(prompt):
        seen = film(prompt)
        return float(np.quantile(seen.image[seen.subjects == 0], 0.1))

    assert darkest("a panda in the fog, wide") > 2 * darkest("a panda, clear sky, wide")


def test_loose_sparkles_of_a_drawing_are_left_out(cache_dir):
    import cv2

    from heliograph_studio.relief import make_relief

    outline = make_relief("lighthouse", mirrored=False, tint=None).outline
    count, _ = cv2.connectedComponents((outline[..., 1] > 0.004).astype(np.uint8))
    assert count == 2  # what is around it, and the lighthouse


def test_a_colour_leaves_the_tyres_of_a_car_as_they_are(cache_dir):
    from heliograph_studio.relief import make_relief

    plain = make_relief("automobile", mirrored=False, tint=None).paint[..., :3]
    blue = make_relief("automobile", mirrored=False, tint=(0.03, 0.1, 0.6)).paint[..., :3]
    gray = np.ptp(plain, axis=2) < 0.05
    assert np.abs(plain - blue)[gray].max() < 0.02
    assert np.abs(plain - blue)[~gray].mean() > 0.1


def test_the_table_reaches_under_a_camera_that_is_close(film):
    for seed in (1, 2):
        kinds = film("a cup of coffee, close-up", seed).kinds
        assert (kinds[-20:] == layout.PROP).mean() > 0.3
