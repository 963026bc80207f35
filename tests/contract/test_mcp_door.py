"""The client of the official package, over HTTP and over a pipe, against a running service."""

import base64
import contextlib
import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import jsonschema
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, ImageContent, TextContent
from PIL import Image

from contract.service import MODEL, Customer, Service, running_service, working_service
from heliograph.accounts.limit import KeyLimits, limit_key
from heliograph.api.doors.mcp.preview import preview
from support.database import Databases
from support.pictures import encoded, noise, photo
from support.service import COMMAND, environment

TOOLS = ["generate_image", "get_task", "cancel_task", "quote", "get_balance", "list_models"]
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}

#: The protocol with and without a handshake: who knows the newest one does without.
MODES = ["auto", "legacy"]


@pytest.fixture
def tester(live: Service) -> Customer:
    return live.customer(test=True)


@contextlib.asynccontextmanager
async def agent(customer: Customer, mode: str = "auto") -> AsyncIterator[Client]:
    async with httpx2.AsyncClient(
        headers={"Authorization": f"Bearer {customer.api_key}"}, timeout=60
    ) as http:
        transport = streamable_http_client(f"{customer.http.base_url}/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


@contextlib.asynccontextmanager
async def piped_agent(customer: Customer, mode: str = "auto") -> AsyncIterator[Client]:
    settings = {
        "HELIOGRAPH_API_KEY": customer.api_key,
        "HELIOGRAPH_BASE_URL": str(customer.http.base_url),
    }
    command, *arguments = COMMAND
    server = StdioServerParameters(
        command=command, args=[*arguments, "mcp"], env=environment(settings)
    )
    async with Client(server, mode=mode) as client:
        yield client


async def ended(client: Client, result: CallToolResult) -> CallToolResult:
    """What a tool says at last: an agent goes on with get_task when the time for one call is over."""
    while not result.is_error and result.structured_content["state"] not in ("success", "failed"):
        task_id = result.structured_content["taskId"]
        result = await client.call_tool("get_task", {"task_id": task_id})
    return result


def text_of(result: CallToolResult) -> str:
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))


def pictures_of(result: CallToolResult) -> list[tuple[str, tuple[int, int]]]:
    """Media type and size of each picture that the agent is shown."""
    found = []
    for part in result.content:
        if isinstance(part, ImageContent):
            with Image.open(io.BytesIO(base64.b64decode(part.data))) as image:
                found.append((part.mime_type, image.size))
    return found


@pytest.mark.parametrize("mode", MODES)
async def test_tools_are_listed_with_what_an_agent_needs_to_choose(tester: Customer, mode: str):
    async with agent(tester, mode) as client:
        tools = (await client.list_tools()).tools
        assert client.instructions
    assert [tool.name for tool in tools] == TOOLS
    for tool in tools:
        assert len(tool.description) > 40
        assert tool.title
        for schema in (tool.input_schema, tool.output_schema):
            assert schema["type"] == "object"
            jsonschema.Draft202012Validator.check_schema(schema)
            # that is of Python alone: clients read patterns as ECMAScript does
            assert r"\Z" not in str(schema).replace(r"\\", "\\")
        assert all("description" in part for part in tool.input_schema["properties"].values())
    hints = {tool.name: tool.annotations for tool in tools}
    assert not hints["generate_image"].read_only_hint
    assert hints["quote"].read_only_hint
    assert hints["cancel_task"].destructive_hint
    assert not hints["generate_image"].idempotent_hint


@pytest.mark.parametrize("mode", MODES)
async def test_pictures_are_made_shown_linked_and_paid_for(live: Service, mode: str):
    customer = live.customer(dollars=1)
    async with agent(customer, mode) as client:
        asked = {"prompt": "a lighthouse", "aspect_ratio": "16:9"}
        result = await ended(client, await client.call_tool("generate_image", asked))
        balance = await client.call_tool("get_balance", {})
    assert not result.is_error, text_of(result)
    made = result.structured_content
    assert (made["state"], made["charged"], made["numImages"]) == ("success", 0.03, 1)
    (image,) = made["images"]
    original = live.http.get(image["url"]).content
    with Image.open(io.BytesIO(original)) as opened:
        assert opened.size == (image["width"], image["height"]) == (1696, 960)
    ((_, (width, height)),) = pictures_of(result)
    assert width / height == pytest.approx(1696 / 960, abs=0.01)
    assert image["url"] in text_of(result)
    assert "$0.03" in text_of(result)
    assert balance.structured_content == {"balance": 0.97}


async def test_a_result_can_be_edited_and_looked_at_again(tester: Customer):
    async with agent(tester) as client:
        first = await client.call_tool("generate_image", {"prompt": "a lake"})
        url = first.structured_content["images"][0]["url"]
        edited = await client.call_tool(
            "generate_image", {"prompt": "winter", "image_urls": [url], "num_images": 4}
        )
        again = await client.call_tool("get_task", {"task_id": edited.structured_content["taskId"]})
    assert len(pictures_of(edited)) == len(edited.structured_content["images"]) == 4
    assert again.structured_content == edited.structured_content
    task = tester.http.get(f"/api/v1/tasks/{edited.structured_content['taskId']}").json()["data"]
    assert (task["mode"], task["source"]) == ("image-to-image", "mcp")


@pytest.mark.parametrize("mode", MODES)
async def test_progress_is_told_while_a_task_runs(live: Service, tester: Customer, mode: str):
    told: list[tuple[float, str]] = []

    async def on_progress(progress: float, _: float | None, message: str | None) -> None:
        told.append((progress, str(message)))
        live.clock.advance(10)

    async with agent(tester, mode) as client:
        result = await client.call_tool(
            "generate_image", {"prompt": "a lake [[delay:5]]"}, progress_callback=on_progress
        )
    task_id = result.structured_content["taskId"]
    assert told
    assert all(task_id in message for _, message in told)
    assert [share for share, _ in told] == sorted({share for share, _ in told})
    assert result.structured_content["state"] == "success"


async def test_a_task_that_fails_is_an_error_that_says_why(tester: Customer):
    async with agent(tester) as client:
        result = await client.call_tool(
            "generate_image", {"prompt": "a lake [[fail:PromptInvalid]]"}
        )
    assert result.is_error
    assert "PromptInvalid" in text_of(result)
    assert "Nothing was charged" in text_of(result)


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("generate_image", {}, "prompt"),
        ("generate_image", {"prompt": "a", "num_images": 9}, "num_images"),
        ("generate_image", {"prompt": "a", "aspect": "1:1"}, "aspect"),
        ("generate_image", {"prompt": "a", "aspect_ratio": "2:1"}, "16:9"),
        ("generate_image", {"prompt": "a", "mode": "image-to-image"}, "image_urls"),
        ("generate_image", {"prompt": "a", "image_urls": ["ftp://a"]}, "input.image_urls[0]"),
        ("generate_image", {"prompt": "a", "model": "dall-e/3"}, "model"),
        ("quote", {"prompt": "a", "model": MODEL + "\n"}, "$.model"),
        ("quote", {"prompt": "a", "model": ".."}, "$.model"),
        ("quote", {"prompt": "a", "model": "m" * 101}, "$.model"),
        ("quote", {"prompt": " "}, "input.prompt"),
        ("get_task", {"task_id": "x"}, "task_id"),
        ("get_task", {"task_id": "0" * 32 + "\n"}, "$.task_id"),
        ("cancel_task", {"task_id": "0" * 32 + "\n"}, "$.task_id"),
        ("get_task", {"task_id": "0" * 32}, "doesn't exist"),
        ("cancel_task", {"task_id": "0" * 32}, "doesn't exist"),
    ],
)
async def test_what_is_wrong_is_said_so_that_an_agent_can_mend_it(
    tester: Customer, tool: str, arguments: dict, words: str
):
    async with agent(tester) as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert words in text_of(result)


async def test_a_tool_that_is_not_there_is_an_error_of_the_protocol(tester: Customer):
    async with agent(tester) as client:
        with pytest.raises(MCPError, match="no tool 'paint'"):
            await client.call_tool("paint", {})


async def test_prices_and_models_are_told_without_making_anything(live: Service):
    customer = live.customer(dollars=0.05)
    async with agent(customer) as client:
        priced = await client.call_tool("quote", {"prompt": "a lake", "num_images": 2})
        models = await client.call_tool("list_models", {})
        refused = await client.call_tool("generate_image", {"prompt": "a lake", "num_images": 2})
    quote = priced.structured_content
    assert (quote["price"], quote["affordable"], quote["width"]) == (0.06, False, 1280)
    assert "$0.06, which is more than the balance of $0.05" in text_of(priced)
    (model,) = models.structured_content["items"]
    assert model["modelId"] == MODEL
    assert "image-to-image: $0.03 a picture" in text_of(models)
    assert "Insufficient balance" in text_of(refused)
    assert customer.http.get("/api/v1/tasks").json()["data"]["items"] == []


async def test_a_quote_over_the_cap_of_the_key_does_not_blame_the_balance(live: Service):
    customer = live.customer(dollars=1)
    capped = KeyLimits(monthly_cap_micros=50_000)
    live.run(limit_key(live.runtime.pool, customer.api_key.split("_")[2], capped))
    async with agent(customer) as client:
        priced = await client.call_tool("quote", {"prompt": "a lake", "num_images": 2})
    assert priced.structured_content["affordable"] is False
    assert "is more than the key may still spend under its caps" in text_of(priced)


async def test_a_service_that_stops_names_the_task_and_a_task_can_be_cancelled(
    databases: Databases, tmp_path: Path
):
    with databases.fresh() as url, working_service(url, tmp_path) as stopping:
        stopping.loop.call_soon_threadsafe(stopping.runtime.changes.stop_waiting)
        tester = stopping.customer(test=True)
        async with agent(tester) as client:
            waiting = await client.call_tool("generate_image", {"prompt": "a lake [[never]]"})
            task_id = waiting.structured_content["taskId"]
            ended = await client.call_tool("cancel_task", {"task_id": task_id})
            again = await client.call_tool("cancel_task", {"task_id": task_id})
    assert not waiting.is_error
    assert f"get_task with task_id {task_id}" in text_of(waiting)
    assert ended.structured_content["failCode"] == "Cancelled"
    assert again.is_error
    assert "cannot be cancelled" in text_of(again)


def post(live: Service, customer: Customer | None = None, **headers: str) -> httpx2.Response:
    key = {"authorization": f"Bearer {customer.api_key}"} if customer else {}
    return live.http.post("/mcp", json=INITIALIZE, headers=key | headers)


def test_who_has_no_key_or_is_a_strangers_page_is_not_let_in(live: Service, tester: Customer):
    unknown = post(live)
    assert (unknown.status_code, unknown.headers["www-authenticate"]) == (401, "Bearer")
    assert unknown.json()["error"]["message"] == "Invalid or missing API key"
    for origin in ("https://evil.example", "null", "http://[", "http://localhost.evil.example"):
        assert post(live, tester, origin=origin).status_code == 403
    for origin in (live.url, "http://localhost:6274", "http://[::1]:9"):
        assert post(live, tester, origin=origin).status_code == 200


def test_what_is_not_let_in_is_told_as_json_rpc(live: Service, tester: Customer):
    got = live.http.get("/mcp")
    assert (got.status_code, got.headers["allow"]) == (405, "POST")
    long = tester.http.post("/mcp", json={**LIST, "params": {"x": "y" * 1_100_000}})
    typed = tester.http.post("/mcp", content=b"{}", headers={"content-type": "text/plain"})
    assert (long.status_code, typed.status_code) == (413, 415)
    for answer in (got, long, typed):
        assert answer.json()["jsonrpc"] == "2.0"
        assert answer.json()["error"]["code"] == -32600
    broken = tester.http.post("/mcp", content=b"{", headers={"content-type": "application/json"})
    assert broken.status_code == 400
    assert broken.json()["error"]["code"] == -32700


def test_who_accepts_no_stream_gets_json(live: Service, tester: Customer):
    plain = post(live, tester, accept="application/json")
    assert plain.headers["content-type"] == "application/json"
    assert plain.json()["result"]["serverInfo"]["name"] == "heliograph"
    stream = post(live, tester, accept="application/json, text/event-stream")
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.headers["x-request-id"]
    (line,) = [line for line in stream.text.splitlines() if line.startswith("data: {")]
    assert json.loads(line.removeprefix("data: "))["result"] == plain.json()["result"]


def balance(customer: Customer, *headers: tuple[str, bytes]) -> httpx2.Response:
    call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "get_balance"}}
    return customer.http.post(
        "/mcp", json=call, headers=[("accept", b"application/json"), *headers]
    )


def test_tools_act_within_the_rate_of_their_caller(live: Service):
    slow = live.customer(test=True, rate_limit_per_minute=1)
    answer = balance(slow)
    assert "Rate limit reached" in answer.json()["result"]["content"][0]["text"]
    assert balance(slow).status_code == 429


def test_tools_act_from_the_address_of_their_caller_on_whichever_line_a_proxy_wrote_it(
    databases: Databases, tmp_path: Path
):
    with (
        databases.fresh() as url,
        running_service(url, tmp_path, HELIOGRAPH_TRUSTED_PROXIES="127.0.0.0/8") as service,
    ):
        customer = service.customer(dollars=1)
        key_id = customer.api_key.split("_")[2]
        limits = KeyLimits(networks=("10.0.0.0/8",))
        service.run(limit_key(service.runtime.pool, key_id, limits))
        name = "x-forwarded-for"
        answer = balance(customer, (name, b"198.51.100.7"), (name, b"10.0.0.1"))
        stranger = balance(customer, (name, b"10.0.0.1"), (name, b"198.51.100.7"))
    assert answer.json()["result"]["structuredContent"] == {"balance": 1.0}
    assert stranger.status_code == 403


@pytest.mark.parametrize("name", ["x-forwarded-for", "accept-language"])
def test_a_header_that_is_not_ascii_disturbs_no_tool(tester: Customer, name: str):
    answer = balance(tester, (name, b"caf\xe9"))
    assert "balance" in answer.json()["result"]["structuredContent"]


@pytest.mark.parametrize("mode", MODES)
async def test_the_command_serves_the_same_tools_over_a_pipe(
    live: Service, tester: Customer, mode: str
):
    async with piped_agent(tester, mode) as client:
        tools = (await client.list_tools()).tools
        result = await client.call_tool("generate_image", {"prompt": "a lake", "num_images": 2})
    async with agent(tester, mode) as client:
        assert (await client.list_tools()).tools == tools
    assert len(pictures_of(result)) == 2
    assert all(
        live.http.get(image["url"]).status_code == 200
        for image in result.structured_content["images"]
    )


async def test_a_server_that_does_not_answer_is_named(tester: Customer):
    gone = Customer(tester.account_id, tester.api_key, httpx2.Client(base_url="http://127.0.0.1:9"))
    async with piped_agent(gone) as client:
        result = await client.call_tool("get_balance", {})
    gone.http.close()
    assert result.is_error
    assert "http://127.0.0.1:9" in text_of(result)


def test_the_command_without_a_key_says_what_to_do():
    done = subprocess.run(
        [*COMMAND, "mcp"], env=environment({}), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "HELIOGRAPH_API_KEY" in done.stderr


@pytest.mark.parametrize(
    "module", ["heliograph.worker", "heliograph.api.app", "heliograph.cli.main"]
)
def test_nobody_pays_for_the_package_before_it_is_asked_for(module: str):
    program = f"import sys, {module}; sys.exit('mcp' in sys.modules or 'httpx2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_picture_is_shown_as_it_is_when_it_is_small_and_reduced_when_not():
    small = encoded(photo(400, 400), "PNG")
    assert preview(small, len(small)) == (small, "image/png")
    large = encoded(noise(1500, 1200), "PNG")
    data, media_type = preview(large, 150_000)
    assert media_type == "image/jpeg"
    assert len(data) <= 150_000
    with Image.open(io.BytesIO(data)) as image:
        assert image.width / image.height == pytest.approx(1.25, abs=0.01)


def test_the_documented_settings_of_agents_are_json():
    from contract.test_documentation import snippets

    for example in snippets("how-to/mcp.md", "json"):
        assert "heliograph" in json.loads(example)["mcpServers"]
