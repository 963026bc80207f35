"""The emulator answers Alibaba's own SDK, in two releases, as the real service does."""

import asyncio
import base64
import json
import os
from pathlib import Path

import pytest

from support.dashscope_emulator import Emulator, serving
from support.pictures import encoded, photo

KEY = "sk-emulator"
HERE = Path(__file__).parent


@pytest.fixture
async def ask(tmp_path):
    """Runs a script of ours in the environment of the SDK, before an emulator."""
    pixel = tmp_path / "pixel.txt"
    pixel.write_text(base64.b64encode(encoded(photo(), "PNG")).decode())
    async with serving(Emulator(seconds=1, api_key=KEY)) as base_url:

        async def run(sdk, script):
            child = await asyncio.create_subprocess_exec(
                sdk,
                *(HERE / script, base_url, KEY, pixel),
                env={name: text for name, text in os.environ.items() if name != "PYTHONPATH"},
                stdout=asyncio.subprocess.PIPE,
            )
            said, _ = await asyncio.wait_for(child.communicate(), 120)
            assert child.returncode == 0
            return json.loads(said)

        yield run


async def test_the_documented_calls_see_what_the_documents_say(sdk, ask):
    assert await ask(sdk, "dashscope_1.py") == {
        "made": [200, "SUCCEEDED", 2],
        "billed": 2,
        "edit": [200, "SUCCEEDED"],
        "partial": ["SUCCEEDED", 1],
        "failed": [200, "FAILED", "DataInspectionFailed"],
        "refused": [400, "Arrearage"],
        "stranger": [401, "InvalidApiKey"],
        "cancelled": [200, 400, "UnsupportedOperation"],
        "after": "CANCELED",
        "unknown": [200, "UNKNOWN"],
        "listed": 200,
        "asyncio": [200, "SUCCEEDED"],
    }


async def test_the_client_of_the_second_release_makes_pictures_and_reads_refusals(sdk, ask):
    if "dashscope-2" not in sdk.parts:
        pytest.skip("the first release has no such client")
    seen = await ask(sdk, "dashscope_2.py")
    assert seen["made"] == 2
    assert "code=Arrearage | status_code=400" in seen["refused"]
    assert "code=InvalidApiKey | status_code=401" in seen["stranger"]
