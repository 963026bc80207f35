"""The body that generateTask and quoteTask share."""

from starlette.requests import Request

from heliograph.api.body import read_json_body
from heliograph.base.errors import NotFound
from heliograph.catalog.model import Model
from heliograph.catalog.request import Submission, read_submission
from heliograph.runtime import Runtime

NO_SUCH_TASK = "Resource doesn't exist: check the model id and the task id"


def asked_model(request: Request, runtime: Runtime) -> Model:
    """The model in the path of `request`. Raises NotFound."""
    model = runtime.models.get(request.path_params["model"])
    if model is None:
        raise NotFound(NO_SUCH_TASK)
    return model


async def asked_submission(request: Request, runtime: Runtime) -> Submission:
    """What the body asks of the model in the path, checked. Raises NotFound, BadRequest and as read_json_body."""
    model = asked_model(request, runtime)
    return read_submission(
        await read_json_body(request),
        model,
        check_callback=runtime.check_callback,
        check_image_url=runtime.check_image_url,
    )
