"""The client of Alibaba's second SDK: prints what it saw as one JSON object.

Run by the interpreter of an environment that has it: `dashscope_2.py BASE_URL KEY PIXEL_FILE`.
"""

import json
import sys

from dashscope import Client

MODEL = "wan2.5-t2i-preview"


def main(base_url: str, key: str) -> dict[str, object]:
    client = Client(api_key=key, base_url=base_url, max_retries=0)
    made = client.images.generate(model=MODEL, prompt="a lake", n=2)
    return {
        "made": len(made.image_urls),
        "refused": trouble(
            lambda: client.images.generate(model=MODEL, prompt="{{submit:Arrearage:}}")
        ),
        "stranger": trouble(
            lambda: Client(api_key="sk-no", base_url=base_url, max_retries=0).images.generate(
                model=MODEL, prompt="a lake"
            )
        ),
    }


def trouble(call) -> str:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - which one is what is asked
        return f"{type(error).__name__}: {error}"
    return "none"


print(json.dumps(main(*sys.argv[1:3])))
