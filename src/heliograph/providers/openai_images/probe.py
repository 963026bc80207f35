"""A look at an engine, for the operator: no picture is made."""

import time

from heliograph.providers.openai_images.call import Caller
from heliograph.providers.openai_images.engine import Engine
from heliograph.providers.provider import Finding


async def look_at(caller: Caller, engine: Engine, model: str | None) -> Finding:
    """Whether `engine` is well, how fast it answers, and whether it serves `model` (None: any)."""
    began = time.monotonic()
    if not await caller.is_well(engine):
        return Finding(
            ok=False,
            found=f"{engine.api} does not answer 200 at {engine.health.path}",
            remedy="Start the engine, or take its address out of the settings.",
        )
    took_ms = (time.monotonic() - began) * 1000
    served = await caller.models(engine) or []
    names = ", ".join(served) or "an unnamed model"
    found = f"{engine.api} answers in {took_ms:.0f} ms and serves {names}"
    if model is None or not served or model in served:
        return Finding(ok=True, found=found)
    return Finding(
        ok=False,
        found=f"{found}, not {model}",
        remedy="Set HELIOGRAPH_OPENAI_IMAGES_MODEL to what the engine serves,"
        f" or start the engine with {model}.",
    )
