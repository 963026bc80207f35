"""Every documented error of DashScope has one meaning, whichever channel it comes by."""

import pytest

from heliograph.providers.dashscope.errors import Blame, classify
from heliograph.providers.provider import FAIL_CODES

CUSTOMER, PROVIDER, OPERATOR, OURS = Blame.CUSTOMER, Blame.PROVIDER, Blame.OPERATOR, Blame.OURS

ROWS = [
    # status, code, message, failCode, whose fault
    (400, "InvalidParameter", "prompt is too odd", "PromptInvalid", CUSTOMER),
    (400, "InvalidParameter", "The text must not be empty", "PromptInvalid", CUSTOMER),
    (400, "InvalidParameter", "Required parameter(n) missing or invalid", "MissingParameter", OURS),
    (400, "InvalidParameter", "Field required: input.images", "MissingParameter", OURS),
    (400, "InvalidParameter", "url error, please check url!", "BadRequest", OURS),
    (400, "InvalidParameter", "Range of n should be [1, 4]", "BadRequest", OURS),
    (400, "InvalidParameter", "num_images_per_prompt must be 1.", "BadRequest", OURS),
    (400, "InvalidParameter", "The type of prompt_extend is wrong", "BadRequest", OURS),
    (400, "InvalidParameter", "Total pixels must be between 1 and 2.", "BadRequest", OURS),
    (400, "InvalidParameter", "download image failed", "BadRequest", OURS),
    (400, "InvalidParameter", "read image error.", "BadRequest", CUSTOMER),
    (
        400,
        "InvalidParameter",
        "The image content does not comply with green network verification.",
        "ProhibitedContentDetected",
        CUSTOMER,
    ),
    (404, "InvalidParameter", "Model not exist.", "InternalError", OPERATOR),
    (400, "InvalidParameter", "Model not exist.", "InternalError", OPERATOR),
    (400, "InvalidParameter.DataInspection", "Unable to download", "BadRequest", OURS),
    (400, "InvalidParameter.FileDownload", "download for input_image error", "BadRequest", OURS),
    (400, "InvalidParameter.Novelty", "", "BadRequest", OURS),
    (400, "InternalError.Algo.InvalidParameter", "Failed to download", "BadRequest", OURS),
    (400, "InvalidURL", "", "BadRequest", OURS),
    (400, "InvalidURL.ConnectionRefused", "", "BadRequest", OURS),
    (400, "InvalidURL.Timeout", "", "BadRequest", OURS),
    (400, "invalid_url", "", "BadRequest", OURS),
    (400, "BadRequest.EmptyInput", "", "MissingParameter", OURS),
    (400, "BadRequest.EmptyParameters", "", "MissingParameter", OURS),
    (400, "BadRequest.EmptyModel", "", "MissingParameter", OURS),
    (400, "BadRequest.IllegalInput", "", "BadRequest", OURS),
    (400, "BadRequest.InputDownloadFailed", "", "BadRequest", OURS),
    (400, "BadRequest.UnsupportedFileFormat", "", "BadRequest", CUSTOMER),
    (400, "BadRequest.TooLarge", "", "BadRequest", CUSTOMER),
    (400, "InvalidImage.ImageSize", "", "BadRequest", CUSTOMER),
    (400, "InvalidImageResolution", "", "BadRequest", CUSTOMER),
    (400, "InvalidFile.AspectRatio", "", "BadRequest", CUSTOMER),
    (400, "InvalidInputLength", "", "BadRequest", CUSTOMER),
    (400, "DataInspectionFailed", "Input data…", "SensitiveContentDetected", CUSTOMER),
    (None, "DataInspectionFailed", "Output data…", "SensitiveContentDetected", CUSTOMER),
    (400, "data_inspection_failed", "", "SensitiveContentDetected", CUSTOMER),
    (400, "content_policy_violation", "", "SensitiveContentDetected", CUSTOMER),
    (400, "IPInfringementSuspect", "", "ProhibitedContentDetected", CUSTOMER),
    (400, "CustomRoleBlocked", "", "ProhibitedContentDetected", CUSTOMER),
    (400, "FaqRuleBlocked", "", "ProhibitedContentDetected", CUSTOMER),
    (429, "Throttling", "Requests throttling triggered.", "RateLimitExceeded", PROVIDER),
    (429, "Throttling.RateQuota", "", "RateLimitExceeded", PROVIDER),
    (429, "Throttling.BurstRate", "", "RateLimitExceeded", PROVIDER),
    (429, "LimitRequests", "", "RateLimitExceeded", PROVIDER),
    (429, "Throttling.AllocationQuota", "token rate", "RateLimitExceeded", PROVIDER),
    (429, "rate_limit_exceeded", "", "RateLimitExceeded", PROVIDER),
    (429, "concurrency_limit_exceeded", "", "RateLimitExceeded", PROVIDER),
    (503, "ModelServingError", "Too many requests. …", "RateLimitExceeded", PROVIDER),
    (429, "Throttling.Novelty", "", "RateLimitExceeded", PROVIDER),
    (400, "Throttling.Novelty", "", "BadRequest", OURS),
    (
        429,
        "Throttling.AllocationQuota",
        "Free allocated quota exceeded.",
        "InternalError",
        OPERATOR,
    ),
    (429, "insufficient_quota", "Free allocated quota exceeded.", "InternalError", OPERATOR),
    (401, "InvalidApiKey", "Invalid API-key provided.", "InternalError", OPERATOR),
    (401, "invalid_api_key", "", "InternalError", OPERATOR),
    (401, "NOT AUTHORIZED", "", "InternalError", OPERATOR),
    (403, "AccessDenied", "Access denied.", "InternalError", OPERATOR),
    (403, "AccessDenied.Unpurchased", "", "InternalError", OPERATOR),
    (403, "AccessDenied.Novelty", "", "InternalError", OPERATOR),
    (403, "Model.AccessDenied", "", "InternalError", OPERATOR),
    (403, "Workspace.AccessDenied", "", "InternalError", OPERATOR),
    (403, "AllocationQuota.FreeTierOnly", "", "InternalError", OPERATOR),
    (400, "Arrearage", "Access denied, please …", "InternalError", OPERATOR),
    (429, "CommodityNotPurchased", "", "InternalError", OPERATOR),
    (429, "PrepaidBillOverdue", "", "InternalError", OPERATOR),
    (429, "PostpaidBillOverdue", "", "InternalError", OPERATOR),
    (404, "ModelNotFound", "", "InternalError", OPERATOR),
    (404, "model_not_supported", "", "InternalError", OPERATOR),
    (500, "InternalError", "", "InternalError", PROVIDER),
    (500, "internal_error", "", "InternalError", PROVIDER),
    (500, "InternalError.Algo", "", "InternalError", PROVIDER),
    (None, "InternalError.Upload", "Failed to upload result.", "InternalError", PROVIDER),
    (None, "InternalError.Novelty", "", "InternalError", PROVIDER),
    (500, "SystemError", "", "InternalError", PROVIDER),
    (500, "ModelServiceFailed", "", "InternalError", PROVIDER),
    (500, "RewriteFailed", "", "InternalError", PROVIDER),
    (500, "ModelServingError", "", "InternalError", PROVIDER),
    (503, "ModelUnavailable", "", "InternalError", PROVIDER),
    (500, "RequestTimeOut", "", "Timeout", PROVIDER),
    (504, "request_timeout", "", "Timeout", PROVIDER),
    (None, "InternalError.Timeout", "", "Timeout", PROVIDER),
    (None, "", "", "InternalError", PROVIDER),
    (302, "", "", "InternalError", OPERATOR),
    (401, "", "", "InternalError", OPERATOR),
    (404, "", "", "InternalError", OPERATOR),
    (413, "", "", "BadRequest", CUSTOMER),
    (418, "Novelty", "", "BadRequest", OURS),
    (429, "", "", "RateLimitExceeded", PROVIDER),
    (502, "", "", "InternalError", PROVIDER),
    (504, "", "", "Timeout", PROVIDER),
]


@pytest.mark.parametrize(("status", "code", "message", "fail_code", "blame"), ROWS)
def test_an_error_has_the_documented_meaning(status, code, message, fail_code, blame):
    verdict = classify(status, code, message)
    assert (verdict.code, verdict.blame) == (fail_code, blame)
    assert verdict.code in FAIL_CODES


@pytest.mark.parametrize("row", [row for row in ROWS if row[4] is OPERATOR])
def test_a_fault_of_the_operator_is_told_to_the_operator_alone(row):
    verdict = classify(*row[:3])
    assert verdict.remedy
    assert verdict.message == "The model service failed; please try again"
