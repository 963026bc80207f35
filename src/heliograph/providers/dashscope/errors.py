"""What an error of DashScope means for the customer and for the operator.

One classifier serves both channels, because the same fault may show as the HTTP answer to a
submit or as the `code` of a failed task. It asks for the exact code first, then for the dotted
family, then for the HTTP class. Source of the rows: DashScope's error page and recorded answers.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Blame(Enum):
    """Who has to do something about it."""

    CUSTOMER = "customer"
    PROVIDER = "provider"
    OPERATOR = "operator"
    OURS = "ours"


@dataclass(frozen=True)
class Verdict:
    """A failCode with its sentence for the customer; `remedy` tells the operator what to fix.

    `again`: the same job may well be taken a little later.
    """

    code: str
    message: str
    blame: Blame
    remedy: str = ""
    again: bool = False


def _operator(remedy: str) -> Verdict:
    # Neutral on purpose: the customer cannot help it, and the account is not the customer's business.
    return Verdict("InternalError", PROVIDER_FAILURE.message, Blame.OPERATOR, remedy)


PROVIDER_FAILURE: Final = Verdict(
    "InternalError", "The model service failed; please try again", Blame.PROVIDER
)
_TIMEOUT = Verdict("Timeout", "The model service did not finish in time", Blame.PROVIDER)
_RATE = Verdict(
    "RateLimitExceeded", "The model service is at its rate limit", Blame.PROVIDER, again=True
)
_UNAVAILABLE = Verdict(
    "InternalError", "The model service is not available at the moment", Blame.PROVIDER, again=True
)
_SENSITIVE = Verdict(
    "SensitiveContentDetected", "The prompt or a picture failed the safety check", Blame.CUSTOMER
)
_PROHIBITED = Verdict(
    "ProhibitedContentDetected", "The prompt or a picture is not allowed by policy", Blame.CUSTOMER
)
_PROMPT = Verdict(
    "PromptInvalid", "Prompt is invalid or rejected by the model service", Blame.CUSTOMER
)
_FETCH = Verdict("BadRequest", "A reference image could not be fetched", Blame.OURS)
_IMAGE = Verdict("BadRequest", "The model service cannot use a reference image", Blame.CUSTOMER)
_REQUEST = Verdict("BadRequest", "The model service refused the request", Blame.OURS)
_MISSING = Verdict("MissingParameter", "The model service misses a parameter", Blame.OURS)
_KEY = _operator("check the API key, and that key and base URL belong to the same region")
_RIGHTS = _operator("give the key's workspace access to the model, and check the base URL")
_BILL = _operator("bring the DashScope account into good standing: pay, or buy the product")
_QUOTA = _operator("the free quota is used up: switch 'free quota only' off, or buy quota")
_MODEL = _operator("check the model name, and that the base URL's region offers the model")
_BASE = _operator("check the base URL: whatever answers there is not DashScope")


def _rows(verdict: Verdict, *codes: str) -> dict[str, Verdict]:
    return {_plain(code): verdict for code in codes}


def _plain(code: str) -> str:
    """CamelCase, snake_case and spaced spellings of one code become one."""
    return re.sub(r"[_\s]", "", code).lower()


_EXACT: Final[Mapping[str, Verdict]] = {
    **_rows(_SENSITIVE, "DataInspectionFailed", "content_policy_violation"),
    **_rows(_PROHIBITED, "IPInfringementSuspect", "CustomRoleBlocked", "FaqRuleBlocked"),
    **_rows(_FETCH, "InvalidParameter.DataInspection", "InvalidParameter.FileDownload"),
    **_rows(_FETCH, "BadRequest.InputDownloadFailed", "InternalError.Algo.InvalidParameter"),
    **_rows(_IMAGE, "InvalidImageResolution", "InvalidImageFormat", "InvalidInputLength"),
    **_rows(_IMAGE, "BadRequest.UnsupportedFileFormat", "BadRequest.TooLarge", "request_too_large"),
    **_rows(_MISSING, "BadRequest.EmptyInput", "BadRequest.EmptyParameters"),
    **_rows(_MISSING, "BadRequest.EmptyModel", "missing_parameter"),
    **_rows(_REQUEST, "UnsupportedOperation", "invalid_request"),
    **_rows(_RATE, "Throttling", "Throttling.RateQuota", "Throttling.BurstRate", "LimitRequests"),
    **_rows(_RATE, "Throttling.AllocationQuota", "insufficient_quota"),
    **_rows(_RATE, "rate_limit_exceeded", "concurrency_limit_exceeded"),
    **_rows(_KEY, "InvalidApiKey", "NOT AUTHORIZED"),
    **_rows(_RIGHTS, "AccessDenied", "AccessDenied.Unpurchased", "Model.AccessDenied"),
    **_rows(_RIGHTS, "App.AccessDenied", "Workspace.AccessDenied", "WorkSpaceNotFound"),
    **_rows(_BILL, "Arrearage", "PrepaidBillOverdue", "PostpaidBillOverdue"),
    **_rows(_BILL, "CommodityNotPurchased"),
    **_rows(_QUOTA, "AllocationQuota.FreeTierOnly"),
    **_rows(_MODEL, "ModelNotFound", "model_not_supported"),
    **_rows(_BASE, "NotFound"),
    **_rows(_TIMEOUT, "RequestTimeOut", "InternalError.Timeout"),
    **_rows(PROVIDER_FAILURE, "InternalError", "InternalError.Algo", "InternalError.Upload"),
    **_rows(PROVIDER_FAILURE, "InternalError.FileUpload", "SystemError", "ModelServiceFailed"),
    **_rows(PROVIDER_FAILURE, "RewriteFailed", "ModelServingError"),
    **_rows(_UNAVAILABLE, "ModelUnavailable"),
    **_rows(PROVIDER_FAILURE, "APIConnectionError", "ClientDisconnect"),
}

# Not Throttling, not InternalError, and not InvalidParameter.DataInspection: a new member of
# those families may mean a bill to pay or a picture to change, so its HTTP class decides.
_FAMILIES: Final[Mapping[str, Verdict]] = {
    **_rows(_FETCH, "InvalidURL"),
    **_rows(_IMAGE, "InvalidImage", "InvalidFile"),
    **_rows(_REQUEST, "BadRequest", "InvalidParameter"),
    **_rows(_SENSITIVE, "DataInspectionFailed"),
    **_rows(_RIGHTS, "AccessDenied"),
    **_rows(_QUOTA, "AllocationQuota"),
}

_STATUSES: Final[Mapping[int, Verdict]] = {
    401: _KEY,
    403: _RIGHTS,
    404: _BASE,
    405: _BASE,
    413: _IMAGE,
    429: _RATE,
    504: _TIMEOUT,
}
_CLASSES: Final[Mapping[int, Verdict]] = {3: _BASE, 4: _REQUEST}

_BY_MESSAGE: Final = (
    (re.compile(r"green network verification", re.IGNORECASE), _PROHIBITED),
    (re.compile(r"model not exist", re.IGNORECASE), _MODEL),
    (re.compile(r"download", re.IGNORECASE), _FETCH),
    (
        re.compile(r"image format|read image|input image|input files|image area", re.IGNORECASE),
        _IMAGE,
    ),
    (re.compile(r"\b(prompt|text)\b", re.IGNORECASE), _PROMPT),
    (re.compile(r"required.*missing|field required", re.IGNORECASE), _MISSING),
)


def classify(status: int | None, code: str, message: str) -> Verdict:
    """The meaning of an error: `status` of the HTTP answer, or None when a task carries it.

    `code` may be empty, for an answer without DashScope's error body.
    """
    plain = _plain(code)
    if plain == "invalidparameter":
        return _invalid_parameter(message)
    exact = _EXACT.get(plain)
    if exact is not None:
        return _split(plain, exact, message)
    return _FAMILIES.get(plain.partition(".")[0]) or _by_status(status)


def _invalid_parameter(message: str) -> Verdict:
    return next((verdict for words, verdict in _BY_MESSAGE if words.search(message)), _REQUEST)


def _split(plain: str, verdict: Verdict, message: str) -> Verdict:
    """The two codes whose message tells a bill or a limit from the ordinary meaning."""
    if plain in {"throttling.allocationquota", "insufficientquota"} and "free" in message.lower():
        return _QUOTA
    if plain == "modelservingerror" and "too many requests" in message.lower():
        return _RATE
    return verdict


def _by_status(status: int | None) -> Verdict:
    if status is None:
        return PROVIDER_FAILURE
    return _STATUSES.get(status) or _CLASSES.get(status // 100, PROVIDER_FAILURE)
