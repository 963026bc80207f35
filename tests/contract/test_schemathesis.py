"""What the OpenAPI document says is what the service does, for whatever can be generated from it.

`make prove-requests` generates more of it.
"""

from collections import Counter

import pytest
import schemathesis
from hypothesis import settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from contract.service import Customer, Service
from heliograph.api.openapi import build_openapi
from heliograph.catalog.models import MODELS

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]

#: The first two call hosts that are made up here, the others wait for a worker: their own tests have
#: hosts to call, and a worker.
CALLING = r"/(quoteTask/|webhooks/test)|^/v1/images/|^/mcp"


@schemathesis.serializer("image/bmp")
def as_bytes(_context, value):
    """A kind of picture that the generator has no sample of."""
    return {"data": value if isinstance(value, bytes) else str(value).encode()}


document = schemathesis.openapi.from_dict(build_openapi(MODELS)).exclude(path_regex=CALLING)


@pytest.fixture(scope="module")
def answered():
    """How many answers each operation gave; said in the end."""
    counted = Counter()
    yield counted
    print(f"\n{len(counted)} operations, {counted.total()} requests")


@document.parametrize()
@settings(settings.get_profile("requests"))
def test_every_answer_is_one_that_the_document_promises(
    case: schemathesis.Case, generous: Customer, service: Service, answered: Counter[str]
):
    headers = {"Authorization": f"Bearer {generous.api_key}"}
    answer = case.call(base_url=service.url, headers=headers, timeout=30)
    case.validate_response(answer, checks=CHECKS)
    answered[case.operation.label] += 1
