"""What can be asked of the service, and all that is known of one task."""

import json
import uuid

import pytest

from contract.service import MODEL, Customer, Service


def test_the_models_are_listed_with_what_they_take_and_cost(customer: Customer):
    (model,) = customer.http.get("/api/v1/models").json()["data"]["items"]
    assert model["modelId"] == MODEL
    assert (model["defaultImages"], model["maxImages"]) == (4, 4)
    text, edit = model["modes"]
    assert (text["mode"], edit["mode"]) == ("text-to-image", "image-to-image")
    assert text["aspectRatios"] == ["1:1", "3:4", "4:3", "9:16", "16:9"]
    assert text["sizes"]["16:9"] == [1696, 960]
    assert (edit["minReferences"], edit["maxReferences"]) == (1, 3)
    assert text["price"] == edit["price"] == 0.03


def test_a_task_in_full_tells_what_became_of_each_image(service: Service, tester: Customer):
    task_id = tester.submit("[[partial:1]] a panda", num_images=2, aspect_ratio="16:9")
    service.finish(task_id)
    data = tester.http.get(f"/api/v1/tasks/{task_id}").json()["data"]
    assert data["test"] is True
    assert (data["model"], data["mode"]) == (MODEL, "text-to-image")
    assert (data["prompt"], data["aspectRatio"]) == ("[[partial:1]] a panda", "16:9")
    made, missing = data["images"]
    assert json.loads(data["resultJson"])["resultUrls"] == [made["url"]]
    assert (made["width"], made["height"]) == (1696, 960)
    assert len(service.http.get(made["url"]).content) == made["sizeBytes"]
    assert set(missing) == {"failCode", "failMsg"}


def test_a_waiting_task_in_full_has_no_field_without_a_value(tester: Customer):
    task_id = tester.submit()
    data = tester.http.get(f"/api/v1/tasks/{task_id}").json()["data"]
    assert data["state"] == "pending"
    assert None not in data.values()
    assert not {"images", "resultJson", "completeTime", "engine"} & data.keys()


@pytest.mark.parametrize("asked", ["", "x", "%00", "0" * 32, "0" * 31])
def test_a_task_that_is_not_there_is_404(customer: Customer, asked: str):
    assert customer.http.get(f"/api/v1/tasks/{asked}").status_code == 404


def test_a_task_of_another_account_is_404(service: Service, customer: Customer):
    theirs = service.customer(dollars=1).submit(num_images=1)
    nobodys = uuid.uuid4().hex
    answers = [customer.http.get(f"/api/v1/tasks/{task_id}") for task_id in (theirs, nobodys)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
