"""Alibaba's own SDK, as its documentation uses it: prints what it saw as one JSON object.

Run by the interpreter of an environment that has the SDK: `dashscope_1.py BASE_URL KEY`.
"""

import asyncio
import json
import sys

import dashscope
from dashscope import ImageSynthesis
from dashscope.aigc.image_synthesis import AioImageSynthesis

TEXT, EDIT = "wan2.5-t2i-preview", "wan2.5-i2i-preview"
PIXEL = (
    "data:image/png;base64," + open(sys.argv[3]).read()  # noqa: SIM115, PTH123 - a script that ends at once
)


def main(key: str) -> dict[str, object]:
    made = ImageSynthesis.call(
        model=TEXT, prompt="a lake", n=2, size="1280*1280", api_key=key, wait_timeout=60
    )
    edit = ImageSynthesis.call(
        model=EDIT, prompt="add snow", images=[PIXEL], n=1, api_key=key, wait_timeout=60
    )
    partial = ImageSynthesis.call(model=TEXT, prompt="x {{partial:1}}", n=2, api_key=key)
    failed = ImageSynthesis.call(model=TEXT, prompt="{{task:DataInspectionFailed:no}}", api_key=key)
    refused = ImageSynthesis.async_call(model=TEXT, prompt="{{submit:Arrearage:pay}}", api_key=key)
    stranger = ImageSynthesis.async_call(model=TEXT, prompt="a lake", api_key="sk-wrong")
    waiting = ImageSynthesis.async_call(model=TEXT, prompt="{{slow:9999}} a lake", api_key=key)
    cancelled = ImageSynthesis.cancel(waiting, api_key=key)
    again = ImageSynthesis.cancel(waiting, api_key=key)
    after = ImageSynthesis.fetch(waiting, api_key=key)
    unknown = ImageSynthesis.fetch("no-such-task", api_key=key)
    listed = ImageSynthesis.list(api_key=key)
    return {
        "made": [made.status_code, made.output.task_status, len(made.output.results)],
        "billed": made.usage.image_count,
        "edit": [edit.status_code, edit.output.task_status],
        "partial": [partial.output.task_status, partial.usage.image_count],
        "failed": [failed.status_code, failed.output.task_status, failed.output.code],
        "refused": [refused.status_code, refused.code],
        "stranger": [stranger.status_code, stranger.code],
        "cancelled": [cancelled.status_code, again.status_code, again.code],
        "after": after.output.task_status,
        "unknown": [unknown.status_code, unknown.output.task_status],
        "listed": listed.status_code,
        "asyncio": asyncio.run(in_asyncio(key)),
    }


async def in_asyncio(key: str) -> list[object]:
    task = await AioImageSynthesis.async_call(model=TEXT, prompt="a sea", n=1, api_key=key)
    done = await AioImageSynthesis.wait(task, api_key=key)
    return [done.status_code, done.output.task_status]


dashscope.base_http_api_url = sys.argv[1]
print(json.dumps(main(sys.argv[2])))
