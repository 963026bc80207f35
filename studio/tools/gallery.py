"""Draw the gallery: contact sheets of sixty prompts and of twelve changed pictures.

    python studio/tools/gallery.py [--only sheets|edits|panda] [--processes 2]

Writes JPEG sheets into `studio/gallery/` and the picture of the README into `docs/images/`.
"""

import argparse
import asyncio
import io
import tomllib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from heliograph_studio import Order, Studio
from heliograph_studio.cache import default_cache_dir

STUDIO = Path(__file__).resolve().parent.parent
GALLERY = STUDIO / "gallery"
PANDA = STUDIO.parent / "docs" / "images" / "panda.png"
SIDE_PX, CELL_PX, LINE_PX = 640, 400, 18
COLUMNS, PER_SHEET = 4, 12
PANDA_PROMPT, PANDA_SEEDS = "a cinematic panda in snow", (11, 12, 13, 14)
PANDA_CELL_PX = 380
EDITS = (
    ("merge style of image 2 into image 1", (1, 2)),
    ("keep image 1, use the colour mood of image 3", (1, 2, 3)),
    ("merge style of image 2 into image 1 and keep image 3 color mood", (1, 2, 3)),
    ("把图2的风格应用到图1，使用图3的色调", (1, 2, 3)),
    ("make it night", (1,)),
    ("make it snow", (1,)),
    ("rain and fog", (1,)),
    ("black and white", (1,)),
    ("改成水墨画", (1,)),
    ("add a panda", (1,)),
    ("anime style, golden hour", (1,)),
    ("turn it into a wide oil painting", (1,)),
)
EDIT_SIZES = {0: (1280, 1280), 11: (1344, 576)}


async def drawn(studio: Studio, order: Order) -> Image.Image:
    picture = await studio.draw(order, lambda _: None)
    return Image.open(io.BytesIO(picture.png)).convert("RGB")


def sheet(pictures: list[Image.Image], captions: list[str], columns: int = COLUMNS) -> Image.Image:
    rows = -(-len(pictures) // columns)
    out = Image.new("RGB", (columns * CELL_PX, rows * (CELL_PX + LINE_PX)), "white")
    pen, font = ImageDraw.Draw(out), ImageFont.load_default(12)
    for number, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        small = picture.copy()
        small.thumbnail((CELL_PX - 6, CELL_PX - 6), Image.Resampling.LANCZOS)
        left, top = number % columns * CELL_PX, number // columns * (CELL_PX + LINE_PX)
        out.paste(small, (left, top))
        pen.text((left + 2, top + small.height + 1), caption, "black", font)
    return out


def save(picture: Image.Image, name: str) -> None:
    picture.save(GALLERY / name, quality=84, optimize=True)
    print(f"{name}: {(GALLERY / name).stat().st_size // 1000} kB", flush=True)


async def draw_sheets(studio: Studio) -> None:
    prompts = tomllib.loads((GALLERY / "prompts.toml").read_text(encoding="utf-8"))["prompt"]
    orders = [Order(p["text"], "", SIDE_PX, SIDE_PX, n) for n, p in enumerate(prompts, 1)]
    pictures = await asyncio.gather(*(drawn(studio, order) for order in orders))
    for first in range(0, len(pictures), PER_SHEET):
        part = slice(first, first + PER_SHEET)
        captions = [caption(n, p["text"]) for n, p in enumerate(prompts[part], first + 1)]
        save(sheet(pictures[part], captions), f"sheet-{first // PER_SHEET + 1}.jpg")


def caption(number: int, text: str) -> str:
    """The built-in typeface has no Chinese letters: such prompts are shown by number."""
    return f"{number}  {text[:58]}" if text.isascii() else f"{number}"


def brushwork() -> Image.Image:
    """A sheet of coarse strokes, to take a style from."""
    rng = np.random.default_rng(8)
    colours = np.array(
        [[28, 60, 120], [240, 190, 60], [220, 90, 40], [245, 235, 210], [40, 120, 130]]
    )
    out = np.full((600, 600, 3), 200, np.uint8)
    for _ in range(900):
        x, y = rng.integers(0, 600, 2)
        angle = 0.9 * np.sin(x / 90) + 0.7 * np.cos(y / 70) + rng.normal(0, 0.2)
        end = (int(x + 80 * np.cos(angle)), int(y + 80 * np.sin(angle)))
        colour = np.clip(colours[rng.integers(5)] + rng.normal(0, 14, 3), 0, 255)
        cv2.line(
            out,
            (int(x), int(y)),
            end,
            tuple(int(c) for c in colour),
            int(rng.integers(9, 20)),
            cv2.LINE_AA,
        )
    return Image.fromarray(out)


def encoded(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


async def draw_edits(studio: Studio) -> None:
    content = await drawn(studio, Order("a red castle by a lake, meadow", "", 1024, 768, 3))
    mood = await drawn(studio, Order("a beach at sunset, purple", "", 640, 480, 5))
    given = {1: content, 2: brushwork(), 3: mood}
    files = {number: encoded(picture) for number, picture in given.items()}
    orders = [
        Order(text, "", *EDIT_SIZES.get(n, (1200, 900)), n + 1, tuple(files[k] for k in used))
        for n, (text, used) in enumerate(EDITS)
    ]
    pictures = await asyncio.gather(*(drawn(studio, order) for order in orders))
    captions = [caption(n, text) for n, (text, _) in enumerate(EDITS, 1)]
    names = [f"image {number}" for number in given]
    blank = Image.new("RGB", (4, 4), "white")
    everything = [*given.values(), blank, *pictures]
    save(sheet(everything, [*names, "", *captions]), "edits.jpg")


async def draw_panda(studio: Studio) -> None:
    orders = [Order(PANDA_PROMPT, "", 1280, 1280, seed) for seed in PANDA_SEEDS]
    pictures = await asyncio.gather(*(drawn(studio, order) for order in orders))
    step = PANDA_CELL_PX + 6
    out = Image.new("RGB", (step * len(pictures) - 6, PANDA_CELL_PX), "white")
    for number, picture in enumerate(pictures):
        out.paste(
            picture.resize((PANDA_CELL_PX, PANDA_CELL_PX), Image.Resampling.LANCZOS),
            (number * step, 0),
        )
    PANDA.parent.mkdir(parents=True, exist_ok=True)
    out.quantize(256, Image.Quantize.MEDIANCUT).save(PANDA, optimize=True)
    print(f"{PANDA.name}: {PANDA.stat().st_size // 1000} kB", flush=True)


async def main(options: argparse.Namespace) -> None:
    studio = Studio(options.processes, default_cache_dir())
    parts: dict[str, Any] = {"sheets": draw_sheets, "edits": draw_edits, "panda": draw_panda}
    try:
        for name, draw in parts.items():
            if options.only in {None, name}:
                await draw(studio)
    finally:
        await studio.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("sheets", "edits", "panda"))
    parser.add_argument("--processes", type=int, default=2)
    asyncio.run(main(parser.parse_args()))
