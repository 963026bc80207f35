"""The API page, example by example, as it is printed; only host, key and task id are put in."""

import json
import shutil
import subprocess
from typing import Any

import pytest

from contract.service import BALANCE, GENERATE, Customer, Service

SUBMIT = """
curl -X POST "https://api.apixo.ai/api/v1/generateTask/wan-2-5-image" \\
  -H "Authorization: Bearer YOUR_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{
    "request_type": "async",
    "input": {
      "mode": "text-to-image",
      "prompt": "a cinematic panda in snow",
      "aspect_ratio": "1:1",
      "num_images": 4
    }
  }'
"""

POLL = """
curl -X GET "https://api.apixo.ai/api/v1/statusTask/wan-2-5-image?taskId=task_12345678" \\
  -H "Authorization: Bearer YOUR_API_KEY"
"""

CALLBACK = """
curl -X POST "https://api.apixo.ai/api/v1/generateTask/wan-2-5-image" \\
  -H "Authorization: Bearer YOUR_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{
    "request_type": "callback",
    "callback_url": "https://your-server.com/webhooks/apixo",
    "input": {
      "mode": "image-to-image",
      "prompt": "turn this into a cinematic movie still",
      "aspect_ratio": "16:9",
      "num_images": 2,
      "image_urls": [
        "https://example.com/source-1.png"
      ]
    }
  }'
"""

TEXT_TO_IMAGE = """
{
  "request_type": "async",
  "input": {
    "mode": "text-to-image",
    "prompt": "a cinematic panda in snow",
    "negative_prompt": "blurry, low quality",
    "aspect_ratio": "16:9",
    "num_images": 4
  }
}
"""

IMAGE_TO_IMAGE = """
{
  "request_type": "async",
  "input": {
    "mode": "image-to-image",
    "prompt": "merge style of image 2 into image 1 and keep image 3 color mood",
    "negative_prompt": "low quality",
    "aspect_ratio": "3:4",
    "num_images": 3,
    "image_urls": [
      "https://example.com/base.png",
      "https://example.com/style.png",
      "https://example.com/color.png"
    ]
  }
}
"""

ACCEPTED = {"code": 200, "message": "success", "data": {"taskId": "task_12345678"}}

PROCESSING = {
    "code": 200,
    "message": "success",
    "data": {"taskId": "task_12345678", "state": "processing", "createTime": 1767965610929},
}

SUCCESS = {
    "code": 200,
    "message": "success",
    "data": {
        "taskId": "task_12345678",
        "state": "success",
        "resultJson": '{"resultUrls":["https://file.apixo.ai/img1.png","https://file.apixo.ai/img2.png"]}',
        "createTime": 1767965610929,
        "completeTime": 1767965652317,
        "costTime": 41388,
    },
}

FAILED = {
    "code": 200,
    "message": "success",
    "data": {
        "taskId": "task_12345678",
        "state": "failed",
        "failCode": "PromptInvalid",
        "failMsg": "Prompt is invalid or rejected by the model service",
        "createTime": 1767965610929,
        "completeTime": 1767965620132,
    },
}

SNIPPET = """
const payload = JSON.parse(data.resultJson);
const imageUrls = payload.resultUrls;
"""


def shape(value: Any) -> Any:
    """Names in their order, and types, of JSON."""
    if isinstance(value, dict):
        return [(name, shape(part)) for name, part in value.items()]
    return type(value)


def curl(command: str, customer: Customer, task_id: str = "") -> Any:
    if shutil.which("curl") is None:
        pytest.skip("CURL IS NOT INSTALLED: the documented commands were not run")
    for documented, ours in (
        ("https://api.apixo.ai", str(customer.http.base_url).rstrip("/")),
        ("YOUR_API_KEY", customer.api_key),
        ("task_12345678", task_id),
    ):
        command = command.replace(documented, ours)
    done = subprocess.run(
        ["bash", "-c", command.replace("curl ", "curl -sS --noproxy '*' ", 1)],
        capture_output=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("command", [SUBMIT, CALLBACK])
def test_the_documented_commands_submit_a_task(customer: Customer, command: str):
    assert shape(curl(command, customer)) == shape(ACCEPTED)


@pytest.mark.parametrize("body", [TEXT_TO_IMAGE, IMAGE_TO_IMAGE])
def test_the_documented_bodies_are_accepted(customer: Customer, body: str):
    answer = customer.http.post(
        GENERATE, content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert shape(answer.json()) == shape(ACCEPTED)


def test_the_documented_command_polls_a_waiting_task(tester: Customer):
    task_id = curl(SUBMIT, tester)["data"]["taskId"]
    answer = curl(POLL, tester, task_id)
    assert shape(answer) == shape(PROCESSING)
    assert answer["data"]["taskId"] == task_id
    assert answer["data"]["state"] == "pending"


def test_a_task_in_work_has_the_documented_fields_and_no_others(service: Service, tester: Customer):
    task_id = tester.submit("[[delay:60]] a panda")
    service.finish(task_id)
    answer = tester.status(task_id).json()
    assert shape(answer) == shape(PROCESSING)
    assert answer["data"]["state"] == "processing"


def test_a_task_that_succeeds_has_the_documented_fields_and_no_others(
    service: Service, tester: Customer
):
    task_id = tester.submit("[[partial:2]] a panda")
    service.finish(task_id, seconds=41.388)
    answer = tester.status(task_id).json()
    assert shape(answer) == shape(SUCCESS)
    data = answer["data"]
    assert data["state"] == "success"
    assert data["costTime"] == data["completeTime"] - data["createTime"] == 41388
    urls = json.loads(data["resultJson"])["resultUrls"]
    assert len(urls) == 2
    assert all(url.startswith(f"{service.url}/files/") and url.endswith(".png") for url in urls)


def test_a_task_that_fails_is_a_good_answer_with_the_documented_fields(
    service: Service, tester: Customer
):
    task_id = tester.submit("[[fail:PromptInvalid]] a panda")
    service.finish(task_id, seconds=9.203)
    answer = tester.status(task_id)
    assert answer.status_code == 200
    assert shape(answer.json()) == shape(FAILED)
    assert answer.json()["data"]["failCode"] == "PromptInvalid"


def test_the_documented_javascript_reads_the_result_urls(service: Service, tester: Customer):
    if shutil.which("node") is None:
        pytest.skip("NODE IS NOT INSTALLED: the documented JavaScript was not run")
    task_id = tester.submit(num_images=3)
    service.finish(task_id)
    body = tester.status(task_id).text
    script = f"const {{ data }} = {body};\n{SNIPPET}\nconsole.log(JSON.stringify(imageUrls));"
    done = subprocess.run(["node", "-e", script], capture_output=True, check=True)
    urls = json.loads(done.stdout)
    assert len(urls) == 3
    assert service.http.get(urls[2]).status_code == 200


@pytest.mark.parametrize(
    ("dollars", "text"),
    [(74.87, "74.87"), (0.07, "0.07"), (75, "75"), (0, "0"), (1.000001, "1.000001")],
)
def test_the_balance_is_a_bare_number_exact_to_the_micro_dollar(
    service: Service, dollars: float, text: str
):
    answer = service.customer(dollars=dollars).http.get(BALANCE)
    assert answer.text == f'{{"code":200,"message":"success","data":{text}}}'


def test_a_submit_takes_the_price_of_all_images_from_the_balance(customer: Customer):
    customer.submit(num_images="3")
    assert customer.http.get(BALANCE).json()["data"] == 99.91
