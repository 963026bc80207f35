"""Real children: progress, cancelling, sudden death."""

import asyncio
import io
import os
import signal
import subprocess
import sys

import pytest
from PIL import Image

from heliograph_studio import Order, Studio, StudioError

SMALL = Order("a fox in a forest", "", 96, 96, 3)
LARGE = Order("a city at night", "", 1280, 1280, 3)


def ignore(_share):
    """Nobody listens."""


def pids(studio):
    return [easel._process.pid for easel in (*studio._busy, *studio._idle)]


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


class Started:
    """Tells when a drawing is under way."""

    def __init__(self):
        self.event = asyncio.Event()

    def __call__(self, share):
        if share > 0:
            self.event.set()


async def test_two_children_draw_the_same_bytes_and_tell_their_progress(studio):
    heard = []
    one, two = await asyncio.gather(studio.draw(SMALL, heard.append), studio.draw(SMALL, ignore))
    assert one == two
    assert Image.open(io.BytesIO(one.png)).size == (96, 96)
    assert one.scene.startswith("fox; forest")
    assert len(pids(studio)) == 2
    assert heard == sorted(heard)
    assert heard[-1] == 1


async def test_a_cancelled_order_stops_and_the_child_draws_the_next(studio):
    started = Started()
    drawing = asyncio.create_task(studio.draw(LARGE, started))
    await started.event.wait()
    (child,) = pids(studio)
    drawing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await drawing
    await studio.draw(SMALL, ignore)
    assert pids(studio) == [child]


async def test_a_killed_child_fails_its_order_only(studio):
    started = Started()
    drawing = asyncio.create_task(studio.draw(LARGE, started))
    await started.event.wait()
    os.kill(pids(studio)[0], signal.SIGKILL)
    with pytest.raises(StudioError, match="ended early"):
        await drawing
    await studio.draw(SMALL, ignore)


async def test_a_failed_order_says_why_and_the_child_goes_on(studio):
    with pytest.raises(StudioError, match="image 1 cannot be read"):
        await studio.draw(Order("x", "", 96, 96, 1, (b"no picture",)), ignore)
    (child,) = pids(studio)
    await studio.draw(SMALL, ignore)
    assert pids(studio) == [child]


async def test_an_idle_child_is_let_go(cache_dir):
    studio = Studio(1, cache_dir, idle_seconds=0)
    await studio.draw(SMALL, ignore)
    (easel,) = studio._idle
    await easel._process.wait()
    assert studio._idle == []
    await studio.close()


async def test_closing_ends_every_child_and_refuses_new_orders(cache_dir):
    studio = Studio(1, cache_dir)
    await studio.draw(SMALL, ignore)
    children = pids(studio)
    await studio.close()
    assert all(gone(pid) for pid in children)
    with pytest.raises(StudioError, match="closed"):
        await studio.draw(SMALL, ignore)


async def test_an_order_too_large_is_refused_without_a_child(studio):
    with pytest.raises(StudioError, match="width must lie between"):
        await studio.draw(Order("x", "", 9000, 96, 1), ignore)
    assert pids(studio) == []


def test_the_command_draws_a_file_and_prints_what_it_did_not_understand(cache_dir, tmp_path):
    command = [sys.executable, "-m", "heliograph_studio", "a blorby tree", "-o", tmp_path / "x.png"]
    sizes = ["--width", "96", "--height", "64", "--cache-dir", cache_dir]
    done = subprocess.run([*command, *sizes], capture_output=True, text=True, check=True)
    assert "words not understood: blorby" in done.stdout
    with Image.open(tmp_path / "x.png") as drawn:
        assert drawn.size == (96, 64)


def test_importing_the_package_loads_no_drawing_library():
    listing = "import sys, heliograph_studio; print(*sorted(sys.modules))"
    command = [sys.executable, "-c", listing]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "numba", "PIL", "cv2", "onnxruntime"} & set(loaded)
