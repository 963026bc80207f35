"""The studio is tested with real kernels: the first run of a machine compiles them."""

import io
import tempfile
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from PIL import Image

from heliograph_studio import Order, Studio, warm_up
from heliograph_studio.cache import default_cache_dir, use_cache

hypothesis.settings.register_profile("studio", deadline=None, derandomize=True)
hypothesis.settings.load_profile("studio")


@pytest.fixture(scope="session")
def cache_dir():
    """A folder of the run's own with compiled kernels, those of `make setup` if there are some."""
    with tempfile.TemporaryDirectory(prefix="studio-test-") as folder:
        ready = default_cache_dir()
        warm_up(ready if ready.is_dir() else Path(folder))
        use_cache(Path(folder))
        yield Path(folder)


@pytest.fixture
def draw(cache_dir):
    """Draw in this process: the pixels of a prompt, or of an order, and its warnings."""
    from heliograph_studio.drawing import draw as draw_order

    def pixels(prompt, *, negative="", size=(96, 96), seed=1, references=()):
        order = Order(prompt, negative, *size, seed, tuple(references))
        picture = draw_order(order, lambda _: None)
        return np.asarray(Image.open(io.BytesIO(picture.png))), picture.warnings

    return pixels


@pytest.fixture
async def studio(cache_dir):
    """Two real children."""
    studio = Studio(2, cache_dir)
    yield studio
    await studio.close()
