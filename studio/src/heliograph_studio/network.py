"""The style networks: a picture to a style of 100 numbers, a picture with a style to a picture."""

from functools import cache

import cv2
import numpy as np
import onnxruntime

from heliograph_studio.lexicon import ASSETS
from heliograph_studio.pixels import Pixels

STYLE_SIDE_PX = 256
MULTIPLE_PX = 4


@cache
def _session(name: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(
        str(ASSETS / name), options, providers=["CPUExecutionProvider"]
    )


def style_of(picture: Pixels) -> Pixels:
    """The style of a picture [h, w, 3] in 0..1."""
    network = _session("style_predict.onnx")
    small = cv2.resize(picture, (STYLE_SIDE_PX, STYLE_SIDE_PX), interpolation=cv2.INTER_AREA)
    style: Pixels = network.run(None, {network.get_inputs()[0].name: small[None]})[0]
    return style


def in_style(picture: Pixels, style: Pixels) -> Pixels:
    """A picture [h, w, 3] in 0..1 redrawn in a style; larger pictures get finer strokes."""
    network = _session("style_transform.onnx")
    height, width = picture.shape[:2]
    edges = ((0, -height % MULTIPLE_PX), (0, -width % MULTIPLE_PX), (0, 0))
    padded = np.pad(picture, edges, mode="reflect")[None]
    picture_name, style_name = (given.name for given in network.get_inputs())
    drawn: Pixels = network.run(None, {picture_name: padded, style_name: style})[0][0]
    return drawn[:height, :width]
