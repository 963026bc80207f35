"""Refusals in Chinese for who asks for it, and for nobody else a byte changes."""

import http.client
import json
import re
import subprocess
from typing import Any, NamedTuple

import httpx2
import pytest

from contract.service import GENERATE, MODEL, STATUS, Customer, Service
from support.service import COMMAND, environment

CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
ENGLISH = {"Accept-Language": "en, zh;q=0.5"}
UNKNOWN = "0199a5f0000070008000000000000000"
IMAGE = {"mode": "text-to-image", "prompt": "a panda"}
JSON = {"Content-Type": "application/json"}


class Wrong(NamedTuple):
    """A request that is refused, and what is said in Chinese, with the field that is named."""

    method: str
    path: str
    status: int
    said: str
    field: str | None = None
    body: Any = None


def image(**fields: Any) -> dict[str, Any]:
    return {"input": IMAGE | fields}


WRONG = {
    "path": Wrong("GET", "/nothing", 404, "此路径不存在。所有路由见 /docs。"),
    "method": Wrong("PUT", GENERATE, 405, "此路径不支持 PUT 方法，仅支持 POST"),
    "task": Wrong("GET", f"{STATUS}?taskId={UNKNOWN}", 404, "资源不存在：请检查模型 ID 和任务 ID"),
    "parameter": Wrong("GET", STATUS, 400, "缺少必填的查询参数：taskId", "taskId"),
    "wait": Wrong(
        "GET",
        f"{STATUS}?taskId={UNKNOWN}&wait=99",
        400,
        "wait 必须是 0 到 60 的整数",
        "wait",
    ),
    "listed": Wrong("GET", "/api/v1/tasks?limit=0", 400, "limit 必须是 1 到 100 的整数", "limit"),
    "prompt": Wrong(
        "POST",
        GENERATE,
        400,
        "缺少必填字段：input.prompt，应为去除首尾空白后不为空的字符串。请描述图片应呈现的内容。",
        "input.prompt",
        {"input": {"mode": "text-to-image"}},
    ),
    "place": Wrong(
        "POST",
        GENERATE,
        400,
        "缺少必填字段：input，应为对象。请将 mode, prompt 放入 `input`。",
        "input",
        IMAGE,
    ),
    "mode": Wrong(
        "POST",
        GENERATE,
        400,
        'input.mode 必须是以下之一：text-to-image, image-to-image，但收到的是 "text-to-imag"。'
        "请选择其中之一。是否应为 text-to-image？",
        "input.mode",
        image(mode="text-to-imag"),
    ),
    "number": Wrong(
        "POST",
        GENERATE,
        400,
        "input.num_images 必须是 1 到 4 的整数，但收到的是 9。省略时为 4。",
        "input.num_images",
        image(num_images=9),
    ),
    "callback": Wrong(
        "POST",
        GENERATE,
        400,
        'callback_url "ftp://a.example/" 无法使用：URL 必须以 https:// 开头并包含主机名。',
        "callback_url",
        {**image(), "request_type": "callback", "callback_url": "ftp://a.example/"},
    ),
    "key of a body": Wrong(
        "POST",
        f"{GENERATE}/batches",
        400,
        "缺少必填的请求头 Idempotency-Key（幂等键）：必须是 1 到 255 个可见 ASCII 字符，"
        "每个批次使用新值，重发同一批次时使用相同的值。",
        "Idempotency-Key",
        {"items": []},
    ),
    "library": Wrong(
        "POST",
        "/api/v1/webhooks/test",
        400,
        "url：应为 `str`，实际为 `int`。请求体的字段见 /docs。",
        "url",
        {"url": 1},
    ),
}


def send(customer: Customer, wrong: Wrong, headers: dict[str, str]) -> httpx2.Response:
    return customer.http.request(wrong.method, wrong.path, json=wrong.body, headers=headers)


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_refusal_is_chinese_with_its_fields_numbers_and_names(customer: Customer, wrong: Wrong):
    answer = send(customer, wrong, CHINESE)
    body = answer.json()
    assert (answer.status_code, body["code"], body["message"]) == (
        wrong.status,
        wrong.status,
        wrong.said,
    )
    assert answer.headers["content-language"] == "zh"
    assert answer.headers["vary"] == "Accept-Language"
    if wrong.status == 400:
        assert body["data"] == {"error": wrong.said, "field": wrong.field}
    else:
        assert body["data"] is None


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_without_the_header_nothing_changes(customer: Customer, wrong: Wrong):
    plain, english = send(customer, wrong, {}), send(customer, wrong, ENGLISH)
    assert plain.status_code == wrong.status
    assert plain.content == english.content
    assert plain.content.isascii()
    assert not {"content-language", "vary"} & {*plain.headers, *english.headers}
    assert set(plain.headers) == set(english.headers)


@pytest.mark.parametrize(
    ("wish", "chinese"),
    [
        ("zh", True),
        ("zh-TW", True),
        ("zh-Hant-HK, en;q=0.5", True),
        ("ZH-cn", True),
        ("en;q=0.5, zh;q=0.6", True),
        ("de, fr;q=0.9, zh;q=0.1", True),
        ("en, zh;q=0.9", False),
        ("zh;q=0.5, en", False),
        ("zh;q=0", False),
        ("zh;q=2", False),
        ("de", False),
        ("*", False),
        ("zha", False),
        ("", False),
        (";;,,q=zh", False),
    ],
)
def test_the_language_that_is_wanted_most_is_spoken(service: Service, wish: str, chinese: bool):
    answer = service.http.get("/nothing", headers={"Accept-Language": wish})
    assert answer.status_code == 404
    assert ("content-language" in answer.headers) is chinese
    assert answer.text.isascii() is not chinese


def test_the_documented_refusal_of_a_key_is_english_to_the_byte(service: Service):
    answer = service.http.get("/api/v1/tasks", headers=CHINESE)
    assert answer.content == b'{"code":401,"message":"Invalid or missing API key"}'
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "content-language" not in answer.headers


def test_good_answers_do_not_look_at_the_language(customer: Customer):
    answer = customer.http.get("/api/v1/tasks", headers=CHINESE)
    assert answer.status_code == 200
    assert not {"content-language", "vary"} & set(answer.headers)


def test_too_little_money_is_told_with_all_figures(service: Service):
    poor = service.customer(dollars=0.05)
    answer = poor.http.post(GENERATE, json=image(num_images=4), headers=CHINESE)
    assert answer.json() == {
        "code": 402,
        "message": "余额不足：该任务需要 $0.12，可用余额为 $0.05。请充值或减少图片数量。",
        "data": None,
    }


def test_a_limit_is_told_and_the_time_to_come_back_stays(service: Service):
    hasty = service.customer(rate_limit_per_minute=1)
    hasty.http.get("/api/v1/tasks")
    answer = hasty.http.get("/api/v1/tasks", headers=CHINESE)
    assert answer.status_code == 429
    assert answer.json()["message"] == "请求过于频繁：此密钥每分钟最多 1 次请求"
    assert int(answer.headers["retry-after"]) > 0


def test_a_state_and_a_repeated_key_are_told(customer: Customer):
    task_id = customer.submit()
    busy = customer.http.delete(f"/api/v1/tasks/{task_id}", headers=CHINESE)
    assert busy.json()["message"] == "任务尚未结束。请先取消任务，或等待其结束。"
    keyed = {**CHINESE, "Idempotency-Key": "order-7"}
    customer.http.post(GENERATE, json=image(), headers=keyed)
    other = customer.http.post(GENERATE, json=image(prompt="a dog"), headers=keyed)
    assert (other.status_code, other.json()["message"]) == (
        422,
        "幂等键 order-7 在最近 24 小时内已用于另一个请求。请原样重发那个请求，或换用新的幂等键。",
    )


@pytest.mark.parametrize(
    ("body", "headers", "said"),
    [
        (b"{}", {"Content-Type": "text/plain"}, "发送请求体，而不是 text/plain"),
        (b" " * 2**21, JSON, "请求体超过 1,048,576 字节的上限"),
        (
            b'{"input": nought}',
            JSON,
            "请求体不是有效的 JSON：无效字符（第 11 字节）。请发送使用双引号",
        ),
        (b"\xff", JSON, "请求体不是 UTF-8 编码（第 0 字节）"),
    ],
    ids=["type", "size", "syntax", "encoding"],
)
def test_a_body_that_cannot_be_read_is_told(
    customer: Customer, body: bytes, headers: dict[str, str], said: str
):
    answer = customer.http.post(GENERATE, content=body, headers=CHINESE | headers)
    assert said in answer.json()["message"]


def test_a_head_has_the_headers_and_no_body(service: Service):
    connection = http.client.HTTPConnection(service.url.removeprefix("http://"), timeout=20)
    try:
        connection.request("HEAD", "/nothing", headers=CHINESE)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["content-language"]) == (404, "zh")
        assert answer.read() == b""
    finally:
        connection.close()


def test_the_door_of_openai_speaks_it_with_its_own_names(customer: Customer):
    def refused(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = customer.http.post(f"/v1/images/{path}", json=body, headers=CHINESE)
        assert answer.headers["content-language"] == "zh"
        return answer.json()["error"]

    unknown = refused("generations", {"prompt": "a", "model": "dall-e-9"})
    assert unknown["message"] == f"此处没有模型 'dall-e-9'。请使用 {MODEL}，或省略 model。"
    assert (unknown["code"], unknown["param"]) == ("model_not_found", "model")
    many = refused("generations", {"prompt": "a", "n": 9})
    assert many["message"] == "n 必须是 1 到 4 的整数，但收到的是 9。省略时为 1。"
    source = refused("edits", {"prompt": "a", "image": "ftp://a.example/b.png"})
    assert source["message"].startswith(
        "image[0] 必须是 http、https 或 data:image/…;base64 URL 字符串"
    )


def test_the_door_of_agents_speaks_it_in_its_refusals_and_in_its_tools(service: Service):
    stranger = {**CHINESE, "Origin": "https://evil.example"}
    refused = service.http.post("/mcp", json={}, headers=stranger)
    assert refused.json()["error"]["message"].startswith("https://evil.example 的页面不能使用")
    poor = service.customer()
    call = {"name": "generate_image", "arguments": {"prompt": "a panda"}}
    answer = poor.http.post(
        "/mcp",
        json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call},
        headers={**CHINESE, "Accept": "application/json", "MCP-Protocol-Version": "2025-06-18"},
    )
    result = answer.json()["result"]
    assert result["isError"]
    assert result["content"][0]["text"].startswith("余额不足：该任务需要 $0.03，可用余额为 $0")


def run(service: Service, api_key: str, *arguments: str, code: int = 1, **locale: str) -> str:
    """What the command line prints on standard error."""
    settings = {"HELIOGRAPH_API_KEY": api_key, "HELIOGRAPH_BASE_URL": service.url}
    inherited = {
        k: v for k, v in environment(settings).items() if not k.startswith(("LC_", "LANG"))
    }
    done = subprocess.run(
        [*COMMAND, *arguments], check=False, env=inherited | locale, capture_output=True, timeout=60
    )
    assert done.returncode == code
    return done.stderr.decode().strip()


def test_the_command_line_speaks_the_language_of_the_locale(service: Service):
    poor = service.customer()
    asked = ("generate", "a panda", "--count", "1")
    assert run(service, poor.api_key, *asked, LANG="zh_CN.UTF-8") == (
        "heliograph: 余额不足：该任务需要 $0.03，可用余额为 $0.00。请充值或减少图片数量。 (HTTP 402)"
    )
    english = run(service, poor.api_key, *asked, LANG="zh_CN.UTF-8", LC_ALL="C.UTF-8")
    assert english.startswith("heliograph: Insufficient balance: the task needs $0.03")


def test_the_command_line_tells_in_chinese_what_is_wrong_with_the_installation(service: Service):
    said = run(service, "none", "audit", LC_ALL="zh_CN.UTF-8", HELIOGRAPH_PORTT="8081")
    assert said == (
        "heliograph: HELIOGRAPH_PORTT 不是此版本的设置项。是否应为 HELIOGRAPH_PORT？"
        "所有设置项见 docs/reference/settings.md。"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("account show", "heliograph: 缺少参数 'account_id'。"),
        ("key create --account x --monthly-cap -1", "heliograph: --monthly-cap：'-1' 小于零"),
        ("account credit x y", "DOLLARS：'y' 不是最多六位小数的美元金额"),
        ("generate x -n 5", "heliograph: -n/--count：应小于或等于 4"),
        ("serve --port", "heliograph: 选项 '--port' 需要一个值。"),
        ("key creat", "heliograph: 没有命令 'creat'。是否应为 'create'？"),
    ],
)
def test_what_is_written_wrongly_is_said_in_the_language_of_the_terminal(
    service: Service, arguments: str, words: str
):
    said = run(service, "none", *arguments.split(), code=2, LC_ALL="zh_CN.UTF-8")
    assert said.endswith(words)
    assert "Usage" not in said


def test_what_there_is_not_is_told_in_the_language_of_the_terminal(service: Service):
    url = {"HELIOGRAPH_DATABASE_URL": service.runtime.settings.database_url}
    said = subprocess.run(
        [*COMMAND, "key", "list", "--account", "acc_nobody"],
        check=True,
        env=environment(url | {"LC_ALL": "zh_CN.UTF-8"}),
        capture_output=True,
        timeout=60,
    )
    assert said.stdout.decode() == "还没有密钥。创建一个：heliograph key create --account ID\n"


def printed(arguments: str, codes: tuple[int, ...] = (0,), **settings: str) -> str:
    """What a command prints on standard output in a Chinese terminal of 80 columns."""
    done = subprocess.run(
        [*COMMAND, *arguments.split()],
        check=False,
        env=environment({"LC_ALL": "zh_CN.UTF-8", "COLUMNS": "80"} | settings),
        capture_output=True,
        timeout=60,
    )
    assert done.returncode in codes, done.stderr.decode()
    return done.stdout.decode()


def test_help_is_in_the_language_of_the_terminal(service: Service):
    said = printed("key create --help")
    assert said.startswith("用法：heliograph key create [选项]\n\n  创建密钥。")
    assert "\n选项：\n" in said
    assert re.search(r"--account <str> +付费的账户：acc_…  \[必填\]\n", said)
    assert re.search(r"--name <str> +密钥的名称。  \[默认 default\]\n", said)
    assert "Show" not in said
    whole = printed("--help")
    chinese = {"LC_ALL": "zh_CN.UTF-8", "COLUMNS": "80"}
    assert whole.strip() == run(service, "none", code=2, **chinese)
    assert re.search(r"\n命令：\n  demo +启动服务", whole)
    assert all(re.search("[一-鿿]", line) for line in whole.splitlines() if line)
    assert printed("--help", LC_ALL="C.UTF-8").startswith("Usage: heliograph [OPTIONS] COMMAND")


def test_the_doctor_tells_what_it_finds_in_the_language_of_the_terminal(service: Service):
    url = {"HELIOGRAPH_DATABASE_URL": service.runtime.settings.database_url or ""}
    said = printed("doctor", (0, 1), **url)
    lines = [line for line in said.splitlines() if not line.startswith(" ")]
    assert len(lines) >= 10
    assert all(re.match("(正常|有误)   [一-鿿P]", line) for line in lines), said
    assert "\n正常   存储：已写入并删除一个文件\n" in said
    assert re.search("\n正常   数据库：PostgreSQL [0-9.]+，", said)
    assert re.search("\n(正常|有误)   工作进程：[0-9]+ 台主机上有 [0-9]+ 个存活", said)
    told = json.loads(printed("doctor --json", (0, 1), **url))
    assert {"database", "storage", "workers"} <= {check["what"] for check in told}
