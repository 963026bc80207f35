"""Chinese for every sentence that people are told: none is missing, none is left over, none is mixed up."""

import json
import re
import string
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import typer

from heliograph.api.language.sentences import FIELD, MOST_CHARACTERS, Fit, Sentences
from heliograph.api.language.wording import DOCUMENTED, say, word
from heliograph.base.errors import BadRequest, NotFound, TooManyRequests, Unauthorized
from heliograph.cli.connection import _refusal as refuse_head
from heliograph.cli.main import app
from heliograph.cli.spoken import in_locale, locale_language
from heliograph.cli.usage import columns_of, wrap
from heliograph.providers.openai_images.trouble import ALERTS
from support.sentences import PLACE, Sentence, Source, Told, has_words, samples, shown
from support.source import ROOT

TABLE: dict[str, str] = tomllib.loads(
    resources.files("heliograph.api.language").joinpath("chinese.toml").read_text(encoding="utf-8")
)

#: What is told, and what is left out: examples of faults, and errors of webhooks, which no command prints.
PACKAGES = {
    "src/heliograph": ("api/described/",),
    "client/src/heliograph_client": ("webhooks.py",),
}

#: Modules in which a whole sentence comes from elsewhere, and from where.
HANDED_ON = {
    "_follow": "the id of a task: why one failed is told as it is stored",
    "api.apikeys_wire": "{field}: what ledger.money said",
    "api.doors.mcp.api": "what the HTTP API said",
    "api.doors.openai.routes": "what the HTTP API would say, with the names of fields changed",
    "api.query": "{name} and a ValueError of the reader of the parameter",
    "cli.account": "what ledger.money said",
    "cli.admin": "what accounts.sessions said",
    "cli.check_work": "how many tasks are in which state",
    "cli.checkup": "versions, what a provider found and what it raised an alarm for",
    "cli.limits": "what the reader of the option said",
    "cli.output": "nothing",
    "cli.spoken": "what typer shows of how a command is meant",
    "cli.watching": "what base.address or ledger.money said",
    "cli.webhook": "what base.address said",
    "catalog.batch": "what catalog.refusal said, with the path of the item before it",
    "intake.fetch": "what intake.data_url said",
    "intake.decode": "what the process of intake.normalise said",
    "intake.normalise": "the text of a NotTakenError",
    "providers.dashscope.errors": "the message of another Verdict",
    "providers.dashscope.judge": "the message and the remedy of a Verdict",
    "providers.dashscope.provider": "the message and the remedy of a Verdict",
    "providers.diffusers.download": "what a ModelFault said, and Hugging Face's library",
    "providers.diffusers.pipeline": "what a ModelFault said",
    "providers.diffusers.provider": "what a Look said; alarms about a model are English",
    "providers.openai_images.provider": "the remedy of an Alert",
    "tasks.quote": "the message of a TaskFault",
    "webhooks.deliveries.resend": "the reason of a Closing",
}

#: Sentences with something inserted that the source does not show: attributes, and words of libraries.
INSERTED = [
    DOCUMENTED,
    (
        "The key's monthly cap of $1.00 would be passed: $0.90 is spent, the task needs $0.12."
        " Raise the cap or use another key."
    ),
    (
        "The key's total cap of $1.00 would be passed: $0.90 is spent, the batch needs $0.12."
        " Raise the cap or use another key."
    ),
    "The URL must be http:// or https://.",
    "callback_url: The URL must be http:// or https:// and name a host.",
    "input.image_urls must be a list of 1 to 3 image URLs, but has 4. Leave some out.",
    'input.image_urls must be a list of 1 to 3 image URLs, but is "x". One string per image.',
    'input.aspect_ratio must be one of 1:1, 3:4 in text-to-image, but is "x". Leave it out for 1:1.',
    (
        "input.aspect_ratio must be one of 1:1 in text-to-image and one of 3:4 in image-to-image, but is 3."
        " Leave it out for 1:1."
    ),
    "The request body is not valid JSON: it is empty. Send an object with `items`.",
    (
        "The request body is not valid JSON: invalid character (byte 3). Send an object in double-quoted"
        " JSON, without NaN, Infinity or comments."
    ),
    (
        "The request body is not valid JSON: trailing characters (byte 9). Send an object in double-quoted"
        " JSON, without NaN, Infinity or comments."
    ),
    (
        "The request body is not valid JSON: Input data was truncated. Send an object in double-quoted"
        " JSON, without NaN, Infinity or comments."
    ),
    (
        "The request body names a field twice. Send every field once."
        " (Expected `str`, got `int` - at `$.input.mode`)"
    ),
    "name: Expected `str`, got `int`. /docs shows what this body holds.",
    "name: Expected `str` of length <= 100. /docs shows what this body holds.",
    "keyId: Expected `str` matching regex '^x$'. /docs shows what this body holds.",
    "keepHours: Expected `int` <= 168. /docs shows what this body holds.",
    "kind: Invalid enum value 'x'. /docs shows what this body holds.",
    "items[0]: Object missing required field `name`. /docs shows what this body holds.",
    "networks: 203.0.113.7/24 has host bits set. Write networks like 203.0.113.0/24 or 2001:db8::/32",
    (
        "networks: 'x' does not appear to be an IPv4 or IPv6 network. Write networks like 203.0.113.0/24"
        " or 2001:db8::/32"
    ),
    "file: The file is empty.",
    "Refused without a reason",
    "Usage: heliograph key create [OPTIONS]",
    "Try 'heliograph key create --help' for help.",
    "Missing argument 'account_id'.",
    "Missing option '--account'.",
    "--state: 'x' is not one of 'pending', 'failed'.",
    "--processes: Input should be greater than or equal to 1",
    "-n/--count: Input should be less than or equal to 4",
    "--port: Input should be a valid integer, unable to parse string as an integer",
    "webhook_id: Input should be a valid UUID, invalid length: found 2",
    "--expires-days: '0' is not a number of days above zero",
    "--expires-days: '99999' days are more than 36500; for a key without end say none",
    "--expires-days: could not convert string to float: 'never'",
    "No such command 'nonsense'.",
    "No such command 'creat'. Did you mean 'create'?",
    "No such option: -x",
    "No such option: --acount (Possible options: --account)",
    "Option '--no-worker' does not take a value.",
    "Option '--port' requires an argument.",
    "Got unexpected extra argument(s) (b)",
    "Aborted.",
    "What answers is not this API (HTTP 301, which leads to https://a.example). Check the base URL.",
    *(f"http://gpu-1:8000: {alert.remedy} (unauthorized)" for alert in ALERTS),
    "Heliograph sent a request that DashScope refuses; please report it: unsupported",
    "it takes at most 512 pixels of width, but 1280 are asked for",
    "it takes at most 512 pixels of height, but 1280 are asked for",
    "it takes at most 1 pictures in a job, but 4 are asked for",
    "it takes at most 1 jobs in its queue, but 2 are asked for",
    "2 notices, the first, 1, since 2026-11-26 12:00:00 UTC",
    "2 tasks, the first, 1, since 2026-11-26 12:00:00 UTC",
    ": ",
    "ok",
    "WRONG",
    "Task 0199a5f0 is still processing after 5 s.",
]


def help_texts(command: Any) -> Iterator[str]:
    """What is said about a command, its arguments and options, and the commands below it."""
    for one in (command, *command.params):
        yield " ".join((getattr(one, "help", None) or "").split())
    for one in getattr(command, "commands", {}).values():
        yield from help_texts(one)


#: Without examples of ids.
HELP = sorted(
    text for text in set(help_texts(typer.main.get_command(app))) if re.search("[a-z]{4}", text)
)

#: What typer puts around them.
AROUND_HELP = [
    "Arguments:",
    "Options:",
    "Commands:",
    "[OPTIONS]",
    "COMMAND [ARGS]...",
    "default: 4",
    "required",
    "Show this message and exit.",
]

WORDS = re.compile(r"[a-z]{2,} [a-z]{2,}")
LATIN = {pair for said in TABLE.values() for pair in WORDS.findall(said)}


class Traced(Sentences):
    """Notes by which lines something was said."""

    def __init__(self) -> None:
        super().__init__(TABLE)
        self.used: list[str] = []

    def _said(self, fit: Fit, depth: int) -> str:
        self.used.append(fit.line.english)
        return super()._said(fit, depth)


@cache
def made() -> tuple[Told, ...]:
    """Every error that the service and the client make."""
    return tuple(
        one for folder, without in PACKAGES.items() for one in Source(ROOT / folder, without).told()
    )


@cache
def told() -> tuple[Sentence, ...]:
    """Every sentence of the source with words of its own, once."""
    found = (sentence for one in made() for sentence in one.sentences)
    return tuple(
        dict.fromkeys(
            one
            for one in found
            if has_words(one)
            # only the name of a field, or a status, around a sentence of somebody else
            and not re.fullmatch(r"\S+: \{\}|\{\} \(HTTP \{\}\)", shown(one))
        )
    )


def faults_of(sentence: str, marks: tuple[str, ...] = ()) -> list[str]:
    """What is wrong with the Chinese of an English sentence."""
    said = Traced().say(sentence)
    if said is None:
        return [f"no line for: {sentence}"]
    lost = [f"{mark} is lost: {said}" for mark in marks if said.count(mark) != 1]
    left = [
        f"English is left ({pair}): {said}" for pair in WORDS.findall(said) if pair not in LATIN
    ]
    return lost + left


def test_every_sentence_of_the_source_can_be_said_in_chinese():
    faults = [
        fault for one in told() for text, marks in samples(one) for fault in faults_of(text, marks)
    ]
    assert not faults, "Add to api/language/chinese.toml:\n" + "\n".join(faults)
    assert len(told()) > 200, "the source was not read"


@pytest.mark.parametrize("sentence", [*INSERTED, *HELP, *AROUND_HELP])
def test_what_the_source_does_not_show_can_be_said_in_chinese(sentence: str):
    assert faults_of(sentence) == []


def test_no_line_of_the_table_is_left_over():
    traced = Traced()
    for text in [
        *INSERTED,
        *HELP,
        *AROUND_HELP,
        *(text for one in told() for text, _ in samples(one)),
    ]:
        traced.say(text)
    unused = set(TABLE) - set(traced.used) - {FIELD}
    assert not unused, "No code says this any more; remove it from api/language/chinese.toml"


def test_each_sentence_is_said_by_its_own_line():
    taken = {}
    for english in set(TABLE) - {FIELD}:
        traced = Traced()
        traced.say(re.sub(re.escape(PLACE), "#", english))
        if traced.used[0] != english:
            taken[english] = traced.used[0]
    assert taken == {}


def test_each_line_inserts_every_value_once():
    for english, said in TABLE.items():
        fields = [field for _, field, _, _ in string.Formatter().parse(said) if field is not None]
        count = english.count(PLACE)
        assert fields == [""] * count or sorted(fields) == [str(one) for one in range(count)], said
        assert PLACE * 2 not in english, "two values side by side cannot be told apart"


def test_chinese_has_the_punctuation_of_chinese():
    half = [said for said in TABLE.values() if re.search("[一-鿿][,;:?!()]|[,;?!()][一-鿿]", said)]
    assert half == []


def test_where_a_sentence_cannot_be_seen_is_known():
    blind = {
        one.module for one in made() if any(not has_words(sentence) for sentence in one.sentences)
    }
    assert blind == set(HANDED_ON)


def test_the_source_is_followed_through_variables_parameters_functions_and_tables(tmp_path: Path):
    (tmp_path / "faults.py").write_text(
        """
class Fault(Exception): ...
class Gone(Fault): ...
WHERE = "at home"
CURES = {1: "Go on.", 2: "Go home."}

def cure(number):
    if number:
        return CURES[number]
    return CURES.get(number, f"Wait {number} days.")

def refuse(why):
    raise Gone(f"{why} is gone, {WHERE}. {cure(1)}")

def find(one):
    name = "a cat" if one else "a dog"
    message = f"There is {one.name}, " + "or " + name
    refuse(message.strip())
    wanted, fix = {"a": ("an egg", "Boil it."), "b": (f"{one} eggs", "Boil them.")}[one]
    raise Fault(f"It must be {wanted}. {fix}", data={"error": "No egg"})
""",
        encoding="utf-8",
    )
    found = {
        text for one in Source(tmp_path).told() for each in one.sentences for text in texts(each)
    }
    assert found == {
        "{} is gone, at home. {}",
        "There is {}, or a cat",
        "There is {}, or a dog",
        "Go on.",
        "Go home.",
        "Wait {} days.",
        "It must be {}. {}",
        "an egg",
        "{} eggs",
        "Boil it.",
        "Boil them.",
        "No egg",
    }


def texts(sentence: Sentence) -> set[str]:
    inner = {
        text
        for part in sentence
        if not isinstance(part, str)
        for each in part.texts
        for text in texts(each)
    }
    return {shown(sentence)} | inner


def test_of_lines_that_fit_the_one_with_the_most_text_speaks():
    lines = {
        "{}: {}": "{}：{:zh}",
        "{} is {}": "{} 是 {}",
        "{} is {}, but not {}": "{} 是 {}，不是 {}",
    }
    sentences = Sentences(lines)
    assert sentences.say("a is b, but not c") == "a 是 b，不是 c"
    assert sentences.say("field: a is b, but not c") == "field：a 是 b，不是 c"
    assert sentences.say("a is b, and not c") == "a 是 b, and not c"


def test_what_nobody_has_said_before_stays_english():
    assert say("The moon is made of cheese.", "zh") is None
    assert say("moon: made of cheese", "zh") is None
    assert say("There is no such file", "en") is None


def test_a_sentence_of_any_length_and_depth_is_answered():
    assert say("There is no account " + "x" * MOST_CHARACTERS, "zh") is None
    deep = "Not ready: " * 100
    assert say(deep + "The database is busy", "zh").startswith("未就绪：未就绪：")


def test_what_strangers_send_is_never_taken_for_a_template():
    sent = "{0.__class__} {} {:zh} {9} task"
    assert say(f"There is no account {sent}.", "zh") == f"账户 {sent} 不存在。"


CHINESE = [(b"accept-language", b"zh-CN,zh;q=0.9,en;q=0.8")]


def test_a_fault_that_many_wait_for_stays_as_it_is():
    fault = TooManyRequests("Rate limit reached: 5 requests a minute for this key", 3)
    told = word(fault, CHINESE)
    assert fault.message.startswith("Rate limit")
    assert set(fault.headers) == {"Retry-After"}
    assert type(told) is TooManyRequests
    assert told.message == "请求过于频繁：此密钥每分钟最多 5 次请求"
    assert told.headers == {"Retry-After": "3", "Content-Language": "zh", "Vary": "Accept-Language"}
    assert word(fault, []) is fault


def test_the_data_of_a_fault_says_the_same():
    told = word(BadRequest("Missing required field: name", "name"), CHINESE)
    assert told.data == {"error": "缺少必填字段：name", "field": "name"}
    other = NotFound("There is no such file", data={"error": "There is no such model"})
    assert word(other, CHINESE).data == {"error": "没有该模型"}


def test_the_documented_refusal_of_a_key_is_the_same_for_everybody():
    fault = Unauthorized()
    assert fault.message == DOCUMENTED == "Invalid or missing API key"
    assert word(fault, CHINESE) is fault


def test_a_head_that_nobody_could_read_is_refused_in_the_language_that_it_asked_for():
    fault = BadRequest("A request names exactly one host: send one Host header")
    head, _, body = refuse_head(fault, CHINESE).partition(b"\r\n\r\n")
    assert b"\r\ncontent-language: zh\r\n" in head
    assert json.loads(body)["data"] == {
        "error": "请求必须且只能指定一个主机：请发送一个 Host 请求头"
    }
    assert b"This is no HTTP/1.1 request" in refuse_head(None, ())


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh"}, "zh"),
        ({"LANG": "zha_CN"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "", "LC_MESSAGES": "zh_TW"}, "zh"),
    ],
)
def test_the_locale_of_a_terminal_names_its_language(environ: dict[str, str], language: str):
    assert locale_language(environ) == language


def test_lines_of_chinese_fill_a_terminal_and_break_no_word_and_before_no_stop():
    text = "为智能体提供图片：在标准输入和输出上运行 Model Context Protocol 服务器（MCP）。"
    for columns in range(12, 80):
        lines = wrap(text, columns)
        assert all(columns_of(line) <= columns + 2 for line in lines)
        assert not [line for line in lines if line[:1] in "，。；：、）"]
        assert "".join("".join(lines).split()) == "".join(text.split())
        assert {"Model", "Context", "Protocol"} <= set(re.findall("[A-Za-z]+", "\n".join(lines)))
    assert wrap("", 40) == [""]


def test_what_the_client_adds_to_a_sentence_stays():
    chinese = {"LANG": "zh_CN.UTF-8"}
    told = "Something went wrong on our side. Name this request when asking: a-1"
    status = " (HTTP 500, request a-1)"
    assert (
        in_locale(told + status, chinese)
        == f"服务内部出错。反馈问题时请提供此请求编号：a-1{status}"
    )
    assert in_locale(told + status, {}) == told + status
    assert in_locale(f"{DOCUMENTED} (HTTP 401)", chinese) == "API 密钥无效或缺失 (HTTP 401)"
