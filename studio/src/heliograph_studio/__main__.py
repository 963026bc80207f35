"""`python -m heliograph_studio "a cinematic panda in snow" -o panda.png`."""

import argparse
import asyncio
import sys
from pathlib import Path

from heliograph_studio import Order, Picture, Studio, StudioError, warm_up
from heliograph_studio.cache import default_cache_dir


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="heliograph_studio", description=__doc__)
    parser.add_argument("prompt", nargs="?", help="what to draw")
    parser.add_argument("-o", "--output", type=Path, default=Path("picture.png"))
    parser.add_argument("--negative", default="", help="what to leave out")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=1280)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--image", type=Path, action="append", default=[], help="a reference")
    parser.add_argument("--cache-dir", type=Path, default=None)
    parser.add_argument("--warm-up", action="store_true", help="compile everything and stop")
    return parser


def _progress(value: float) -> None:
    end = "\n" if value >= 1 else ""
    print(f"\r{value:4.0%}", end=end, file=sys.stderr, flush=True)  # noqa: T201


async def _draw(options: argparse.Namespace, cache_dir: Path) -> Picture:
    references = tuple(path.read_bytes() for path in options.image)
    order = Order(
        options.prompt, options.negative, options.width, options.height, options.seed, references
    )
    studio = Studio(1, cache_dir)
    try:
        picture = await studio.draw(order, _progress)
    finally:
        await studio.close()
    options.output.write_bytes(picture.png)
    return picture


def run() -> None:
    """Draw one picture, or compile the kernels."""
    parser = _parser()
    options = parser.parse_args()
    cache_dir = options.cache_dir or default_cache_dir()
    try:
        if options.warm_up:
            print(f"ready after {warm_up(cache_dir):.1f} s")  # noqa: T201
            return
        if options.prompt is None:
            parser.error("say what to draw")
        picture = asyncio.run(_draw(options, cache_dir))
    except (StudioError, OSError) as error:
        sys.exit(f"error: {error}")
    print(f"drawn: {picture.scene}")  # noqa: T201
    for warning in picture.warnings:
        print(f"warning: {warning}")  # noqa: T201
    print(options.output)  # noqa: T201


if __name__ == "__main__":
    run()
