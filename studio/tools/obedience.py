"""How well the studio does what a prompt says, counted on what the renderer saw.

    python studio/tools/obedience.py

Reads `gallery/prompts.toml`, whose expectations were written by hand; the lexicon has no part in
the checks: things are counted in the renderer's table of what each ray met, colours and light are
measured on the finished picture. Whether a thing looks like what it should be is for people:
`blind.py` makes a form for that.
"""

import argparse
import colorsys
import io
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from heliograph_studio.cache import default_cache_dir, use_cache

use_cache(default_cache_dir())

from heliograph_studio import drawing  # noqa: E402 - numba reads the settings when it is imported
from heliograph_studio.kernels import layout  # noqa: E402
from heliograph_studio.order import Order  # noqa: E402

GALLERY = Path(__file__).resolve().parent.parent / "gallery"
SIDE_PX = 320
SEEDS = (1, 2)
LEAST_SHARE = 0.0012  # of the picture; smaller is not seen
KINDS = {
    "sky": layout.MISS,
    "ground": layout.GROUND,
    "plants-and-houses": layout.PROP,
    "water": layout.WATER,
    "wall": layout.WALL,
}
HUES = {
    "red": (340, 22),
    "brown": (20, 60),
    "yellow": (36, 68),
    "green": (75, 170),
    "blue": (180, 262),
}


class Seen(NamedTuple):
    """One picture: pixels [h, w, 3] in 0..1, what each pixel shows, which subject it shows."""

    pixels: Any
    kinds: Any
    subjects: Any


class Check(NamedTuple):
    """One expectation and whether it was met."""

    name: str
    met: bool


def see(text: str, seed: int) -> Seen:
    """Draw a prompt and keep what the renderer saw."""
    order = Order(text, "", SIDE_PX, SIDE_PX, seed)
    picture, film = drawing.render(order, lambda _: None)
    pixels = np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB")).astype(float) / 255
    small = Image.fromarray((pixels * 255).astype(np.uint8)).resize(film.depth.shape[::-1])
    return Seen(np.asarray(small).astype(float) / 255, film.kinds, film.subjects)


def checks(expected: dict[str, Any], seen: Seen) -> Iterator[Check]:
    """Every expectation of a prompt."""
    sizes = {k: int((seen.subjects == k).sum()) for k in range(int(seen.subjects.max()) + 1)}
    visible = [k for k, size in sizes.items() if size > LEAST_SHARE * seen.subjects.size]
    yield Check("count", len(visible) == expected["count"])
    for number, colour in enumerate(expected.get("colours", ())):
        if colour:
            yield Check(f"colour {colour}", has_colour(seen, number, colour))
    for place in expected.get("place", ()):
        yield Check(f"place {place}", (seen.kinds == KINDS[place]).mean() > 0.02)
    if "light" in expected:
        bright = seen.pixels.mean()
        yield Check(
            expected["light"], bright < 0.42 if expected["light"] == "dark" else bright > 0.45
        )
    if "hue" in expected:
        yield Check(f"hue {expected['hue']}", prevails(seen, expected["hue"]))
    for first, relation, second in expected.get("relation", ()):
        yield Check(relation, stands(seen, first, relation, second))
    for first, second in expected.get("larger", ()):
        yield Check("larger", sizes.get(first, 0) > 2 * sizes.get(second, 0))


def has_colour(seen: Seen, number: int, colour: str) -> bool:
    """True when the vivid part of a thing, or all of it for black and white, has the colour."""
    own = seen.pixels[seen.subjects == number]
    if not len(own):
        return False
    if colour in {"black", "white"}:
        return bool((own.mean() < 0.22) if colour == "black" else (own.mean() > 0.6))
    vivid = own[np.ptp(own, axis=1) >= np.quantile(np.ptp(own, axis=1), 0.5)]
    hue = colorsys.rgb_to_hsv(*vivid.mean(axis=0))[0] * 360
    return within(hue, *HUES[colour])


def within(hue: float, low: float, high: float) -> bool:
    """True when an angle lies between two others, going upward."""
    return (hue - low) % 360 <= (high - low) % 360


def prevails(seen: Seen, hue: str) -> bool:
    """True when the picture, or its ground, has a hue; "none" asks for hardly any colour."""
    if hue == "none":
        return bool(np.ptp(seen.pixels, axis=2).mean() < 0.08)
    ground = seen.pixels[seen.kinds == layout.GROUND]
    if hue == "white ground":
        return bool(len(ground) and np.ptp(ground.mean(axis=0)) < 0.16 and ground.mean() > 0.45)
    area = ground if hue.endswith("ground") else seen.pixels.reshape(-1, 3)
    if not len(area):
        return False
    return within(colorsys.rgb_to_hsv(*area.mean(axis=0))[0] * 360, *HUES[hue.split(maxsplit=1)[0]])


def stands(seen: Seen, first: int, relation: str, second: int) -> bool:
    """True when one thing is above, or partly before, another one in the picture."""
    one, two = np.argwhere(seen.subjects == first), np.argwhere(seen.subjects == second)
    if not len(one) or not len(two):
        return False
    if relation == "above":
        return bool(one[:, 0].mean() < two[:, 0].mean() and one[:, 0].max() < two[:, 0].max())
    # What hides stands nearer: its feet are lower in the picture, and they overlap from the side.
    overlap = min(one[:, 1].max(), two[:, 1].max()) - max(one[:, 1].min(), two[:, 1].min())
    return bool(one[:, 0].max() > two[:, 0].max() and overlap > -0.03 * SIDE_PX)


def run() -> None:
    """Draw every prompt with two seeds, print what failed and the score."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    prompts = tomllib.loads((GALLERY / "prompts.toml").read_text(encoding="utf-8"))["prompt"]
    met = asked = whole = 0
    for number, expected in enumerate(prompts, 1):
        for seed in SEEDS:
            found = list(checks(expected, see(expected["text"], seed)))
            failed = [check.name for check in found if not check.met]
            met, asked = met + len(found) - len(failed), asked + len(found)
            whole += not failed
            if failed:
                print(f"{number} seed {seed}: {expected['text']}: {', '.join(failed)}", flush=True)
    pictures = len(prompts) * len(SEEDS)
    print(
        f"{met} of {asked} checks met ({met / asked:.1%}); {whole} of {pictures} pictures met all"
    )


if __name__ == "__main__":
    run()
