"""A blind test of the studio: pictures without their prompts, a form, and its score.

    python studio/tools/blind.py draw FOLDER [--seed 41]
    python studio/tools/blind.py score FORM.csv

`draw` writes the pictures of the sixty prompts in a shuffled order, numbers only, an empty
`form.csv` and the list `choices.md`. Fill in what you see and how many first; then open the list
and choose for each picture the letters of the prompt it was drawn for. `score` compares both with
the prompts; the lexicon has no part in it. Who guesses is right once in sixty.
"""

import argparse
import asyncio
import csv
import random
import tomllib
from pathlib import Path
from typing import Any

from gallery import GALLERY, drawn, sheet
from PIL import Image

from heliograph_studio import Order, Studio
from heliograph_studio.cache import default_cache_dir

SIDE_PX, COLUMNS, PER_SHEET = 400, 5, 20
FIELDS = ("seed", "picture", "what do you see", "how many things", "place, light, style", "choice")


def prompts() -> list[dict[str, Any]]:
    """The prompts and what was expected of them, in the order of the gallery."""
    found: list[dict[str, Any]] = tomllib.loads(
        (GALLERY / "prompts.toml").read_text(encoding="utf-8")
    )["prompt"]
    return found


def order_of(seed: int, purpose: str, count: int) -> list[int]:
    """A shuffled list of the numbers of the prompts, from 0."""
    numbers = list(range(count))
    random.Random(f"{purpose} {seed}").shuffle(numbers)  # noqa: S311 - nobody is to be deceived
    return numbers


def letters(place: int) -> str:
    """AA, AB ... for places in the list of choices."""
    return chr(ord("A") + place // 26) + chr(ord("A") + place % 26)


async def draw_all(orders: list[Order]) -> list[Image.Image]:
    """The pictures of all orders."""
    studio = Studio(2, default_cache_dir())
    try:
        return await asyncio.gather(*(drawn(studio, order) for order in orders))
    finally:
        await studio.close()


def draw(folder: Path, seed: int) -> None:
    """Pictures, form and choices, drawn with seeds that the gallery does not show."""
    asked = prompts()
    shown = order_of(seed, "pictures", len(asked))
    orders = [Order(asked[n]["text"], "", SIDE_PX, SIDE_PX, seed * 1000 + n) for n in shown]
    pictures = asyncio.run(draw_all(orders))
    folder.mkdir(parents=True, exist_ok=True)
    write_sheets(folder, pictures)
    write_form(folder / "form.csv", seed, len(asked))
    listed = order_of(seed, "choices", len(asked))
    lines = [f"- {letters(place)}: {asked[n]['text']}" for place, n in enumerate(listed)]
    text = "# Fill in what you see before you read this\n\n" + "\n".join(lines) + "\n"
    (folder / "choices.md").write_text(text, encoding="utf-8")


def write_sheets(folder: Path, pictures: list[Image.Image]) -> None:
    """Contact sheets with numbers only."""
    for first in range(0, len(pictures), PER_SHEET):
        part = pictures[first : first + PER_SHEET]
        numbers = [str(first + k + 1) for k in range(len(part))]
        page = sheet(part, numbers, COLUMNS)
        page.resize((page.width * 3 // 5, page.height * 3 // 5), Image.Resampling.LANCZOS).save(
            folder / f"blind-{first // PER_SHEET + 1}.jpg", quality=84, optimize=True
        )


def write_form(path: Path, seed: int, count: int) -> None:
    """An empty form."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(FIELDS)
        rows.writerows([seed, picture, "", "", "", ""] for picture in range(1, count + 1))


def score(form: Path) -> None:
    """Print what was chosen or counted wrong, and the score."""
    asked = prompts()
    with form.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    chosen = counted = 0
    for row in rows:
        seed, picture = int(row["seed"]), int(row["picture"])
        number = order_of(seed, "pictures", len(asked))[picture - 1]
        right = letters(order_of(seed, "choices", len(asked)).index(number))
        same_choice = row["choice"].strip().upper() == right
        same_count = row["how many things"].strip() == str(asked[number]["count"])
        chosen, counted = chosen + same_choice, counted + same_count
        if not (same_choice and same_count):
            wrong = [
                word for word, same in (("choice", same_choice), ("count", same_count)) if not same
            ]
            print(
                f"{picture}, {' and '.join(wrong)}: {row['what do you see']!r} is {asked[number]['text']!r}"
            )
    print(f"{chosen} of {len(rows)} pictures recognised, {counted} of {len(rows)} counted right")


def run() -> None:
    """Draw the sheets, or score a form."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("draw", "score"))
    parser.add_argument("path", type=Path)
    parser.add_argument("--seed", type=int, default=41)
    options = parser.parse_args()
    if options.what == "draw":
        draw(options.path, options.seed)
    else:
        score(options.path)


if __name__ == "__main__":
    run()
