"""The OpenAPI document says what the service does: all of it, and nothing else."""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from contract.service import GENERATE, Customer, Service
from heliograph.api.app import create_app
from heliograph.api.described.operation import ENVELOPE
from heliograph.api.described.operations import operations
from heliograph.api.openapi import build_openapi
from heliograph.catalog.models import MODELS

DOCUMENT = build_openapi(MODELS, "http://service")
OPERATIONS = operations(MODELS)


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object anywhere in the document."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, dict | list):
            yield from parts(part)


def test_the_service_answers_with_the_document_of_its_own_address(service: Service):
    answer = service.http.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == build_openapi(MODELS, service.url)


def test_every_route_is_described_and_nothing_else(service: Service):
    served = {
        (method, re.sub(r":\w+}", "}", route.path))
        for route in create_app(service.runtime).router.routes
        for method in route.methods - {"HEAD"}
    }
    described = {
        (method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods
    }
    assert served == described


def test_every_reference_leads_somewhere():
    for part in parts(DOCUMENT):
        if "$ref" in part:
            _, *names = part["$ref"].split("/")
            target: Any = DOCUMENT
            for name in names:
                target = target[name]
            assert target


def test_every_path_parameter_is_described():
    for path, methods in DOCUMENT["paths"].items():
        for operation in methods.values():
            described = {
                one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"
            }
            assert described == set(re.findall(r"{(\w+)}", path))


def test_operation_ids_are_unique():
    names = [one.name for one in OPERATIONS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("one", OPERATIONS, ids=lambda one: one.name)
def test_every_example_is_what_the_types_of_the_service_accept(one: Any):
    responses = DOCUMENT["paths"][one.path][one.method.lower()]["responses"]
    for code, response in responses.items():
        for example in (
            response.get("content", {}).get("application/json", {}).get("examples", {}).values()
        ):
            kind = one.answer if code == "200" else one.shape.refusal
            value = msgspec.convert(example["value"], kind)
            assert one.shape is not ENVELOPE or value.code == int(code)
            # and what they would say themselves: nothing more, in the same order
            assert json.loads(msgspec.json.encode(value)) == example["value"]


@pytest.mark.parametrize("one", OPERATIONS, ids=lambda one: one.name)
def test_every_failure_is_described_with_an_example(one: Any):
    responses = DOCUMENT["paths"][one.path][one.method.lower()]["responses"]
    failures = {code: response for code, response in responses.items() if code >= "400"}
    assert {"500", "503"} <= failures.keys()
    assert not (one.keyed or one.signed) or {"401", "429"} <= failures.keys()
    for code, response in failures.items():
        assert response["content"]["application/json"]["examples"]
        assert "X-Request-Id" in response["headers"]
        assert ("Retry-After" in response["headers"]) == (code in ("429", "503"))


def test_the_documented_bodies_are_accepted_as_they_stand(customer: Customer):
    content = DOCUMENT["paths"]["/api/v1/generateTask/{model}"]["post"]["requestBody"]["content"]
    for example in content["application/json"]["examples"].values():
        assert customer.http.post(GENERATE, json=example["value"]).status_code == 200


def test_the_key_is_asked_for_where_it_is_needed(service: Service):
    for one in OPERATIONS:
        if one.method == "GET" and "{" not in one.path:
            status = service.http.get(one.path).status_code
            assert (status == 401) == (one.keyed or one.signed)


def test_a_status_has_the_documented_fields_and_none_is_ever_null():
    status = DOCUMENT["components"]["schemas"]["StatusData"]["properties"]
    assert set(status) == {
        "taskId",
        "state",
        "resultJson",
        "failCode",
        "failMsg",
        "createTime",
        "completeTime",
        "costTime",
    }
    assert status.pop("state")["enum"] == ["failed", "pending", "processing", "success"]
    assert all(field["type"] in ("string", "integer") for field in status.values())
