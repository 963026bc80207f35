"""What can be asked of this server."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from heliograph.accounts.account import Key
from heliograph.api.auth import Gate
from heliograph.api.wire import ModeData, ModelData, ModelList, success
from heliograph.catalog.model import Mode, Model
from heliograph.catalog.prices import ROUTES
from heliograph.ledger.money import dollars
from heliograph.runtime import Runtime


class CatalogueRoutes:
    """GET /api/v1/models."""

    def __init__(self, runtime: Runtime, gate: Gate) -> None:
        self._runtime = runtime
        self._gate = gate

    async def models(self, request: Request) -> Response:
        """The models with their modes, limits, and the prices that this key pays; `auto` without one."""
        key = (await self._gate.admit_caller(request)).key
        models = self._runtime.models.values()
        return success(ModelList([self._model(model, key) for model in models]))

    def _model(self, model: Model, key: Key | None) -> ModelData:
        modes: Mapping[str, Mode] = model.modes
        return ModelData(
            model_id=model.model_id,
            title=model.title,
            category=model.category,
            description=model.description,
            max_images=model.max_images,
            default_images=model.default_images,
            max_prompt_characters=model.max_prompt_characters,
            first_poll_seconds=model.first_poll_seconds,
            poll_interval_seconds=model.poll_interval_seconds,
            modes=[self._mode(model, mode, key) for mode in modes.values()],
        )

    def _mode(self, model: Model, mode: Mode, key: Key | None) -> ModeData:
        routing = key.routing if key else ROUTES[0]
        price = self._runtime.prices.unit_price_micros(model.model_id, mode.name, routing)
        return ModeData(
            mode=mode.name,
            description=mode.description,
            aspect_ratios=list(mode.sizes),
            sizes=dict(mode.sizes),
            min_references=mode.min_references,
            max_references=mode.max_references,
            price=dollars(0 if key and key.test else price),
        )
