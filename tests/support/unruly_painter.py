"""A painter without a model, for the process of an engine: it does what model and prompt say.

Models: `absent` cannot be had, `torn` cannot be read, `huge` needs too much memory, `brittle`
crashes while it loads, `far` arrives only once a file `here` lies in the cache; every other one loads.

A prompt's first word: `fail`, `hungry` (too little memory), `killed`, `crash`, `quit`, `stay` (paints
until nobody wants it), `deaf` (hears no cancel), `chatty` (prints where messages go); every other one
is painted. A number after it is the index of the picture that it is meant for. Instead of a picture
comes JSON: the order, and where it was painted.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from heliograph.providers.diffusers.messages import Ready
from heliograph.providers.diffusers.painter import Look, ModelFault

FIRST_SEED = 7
LOOK_SECONDS = 0.01


class UnrulyPainter:
    def __init__(self, model):
        edits = model == "edits"
        self.ready = Ready(
            pipeline=f"Unruly{model.title()}",
            device="easel",
            fewest_references=1 if edits else 0,
            most_references=3 if edits or model == "both" else 0,
            negative_prompt=model != "plain",
        )

    def paint(self, order, wanted):
        deed, _, index = order.prompt.partition(" ")
        if not index.isdecimal() or order.seed == FIRST_SEED + int(index):
            getattr(self, f"_{deed}", bool)()
            if deed == "stay":
                while wanted(0.5):
                    time.sleep(LOOK_SECONDS)
                return None
            if deed == "deaf":
                wanted(0.5)
                signal.pause()
        return _shown(order) if wanted(0.5) and wanted(1.0) else None

    def _fail(self):
        raise ValueError("no such colour")

    def _hungry(self):
        raise MemoryError("tried to allocate 20 GiB")

    def _killed(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def _crash(self):
        print("the very last words", file=sys.stderr, flush=True)
        os.abort()

    def _quit(self):
        os._exit(3)

    def _chatty(self):
        print("a" * 100_000)
        os.write(1, b"\0\0\0\1x")


def load(setup, arrived):
    if setup.model == "absent":
        raise ModelFault("there is no such model", "Check the name.")
    if setup.model == "torn":
        raise ValueError("the file is torn")
    if setup.model == "huge":
        raise MemoryError("tried to allocate 60 GiB")
    if setup.model == "brittle":
        os.abort()
    if setup.model == "far":
        _travel(Path(setup.cache_dir) / "here", arrived)
    return UnrulyPainter(setup.model)


def _travel(sign, arrived):
    for percent in range(0, 55, 5):
        arrived(percent, 100)
    while not sign.exists():
        time.sleep(LOOK_SECONDS)


def look(setup):
    if setup.model == "torn":
        raise ValueError("the file is torn")
    print("what libraries print is not in the way")
    return [Look(True, "runs on an easel"), Look(False, f"{setup.model} is dry", "Add water.")]


def _shown(order):
    facts = {
        "prompt": order.prompt,
        "negative_prompt": order.negative_prompt,
        "size": [order.width, order.height],
        "seed": order.seed,
        "references": [reference.decode("latin-1") for reference in order.references],
        "process": os.getpid(),
        "ends_first": int(Path("/proc/self/oom_score_adj").read_text()),
        "settings": [name for name in os.environ if name.startswith("HELIOGRAPH_")],
        "on_terminal": sys.stderr.isatty(),
    }
    return json.dumps(facts).encode()
