"""Every model that is served, by its id. A new model is one file of data and a name here."""

from collections.abc import Mapping
from types import MappingProxyType

from heliograph.catalog.model import Model
from heliograph.catalog.wan_2_5_image import WAN_2_5_IMAGE

MODELS: Mapping[str, Model] = MappingProxyType(
    {model.model_id: model for model in (WAN_2_5_IMAGE,)}
)
