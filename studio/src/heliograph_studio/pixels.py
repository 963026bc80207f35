"""What a picture is while it is worked on."""

from typing import Any

from numpy.typing import NDArray

# [height, width, 3] or [height, width], float32. The stubs of numpy and OpenCV widen the result
# of nearly every sum, so the type names less than holds.
Pixels = NDArray[Any]
