"""A task of the DashScope emulator, and the markers in its prompt."""

import re
from dataclasses import dataclass
from typing import Any

from support.dashscope_answers import china_time

MARKER = re.compile(r"\{\{([a-z-]+):([^:}]*)(?::([^}]*))?\}\}")


@dataclass
class Task:
    task_id: str
    kind: str
    prompt: str
    n: int
    width: int
    height: int
    seed: int
    prompt_extend: bool
    submitted_at: float
    begins_at: float
    ends_at: float
    cancelled: bool = False

    @property
    def model(self) -> str:
        return "wan2.5-i2i-preview" if self.kind == "image2image" else "wan2.5-t2i-preview"

    def marker(self, name: str) -> tuple[str, str] | None:
        return markers(self.prompt).get(name)

    def prompts(self) -> dict[str, str]:
        extended = {"actual_prompt": f"{self.prompt}, finely detailed"}
        return {"orig_prompt": self.prompt, **(extended if self.prompt_extend else {})}

    def times(self, *names: str) -> dict[str, str]:
        moments = {
            "submit_time": self.submitted_at,
            "scheduled_time": self.begins_at,
            "end_time": self.ends_at,
        }
        return {name: china_time(moments[name]) for name in names}


def listed(task: Task) -> dict[str, Any]:
    """The entry of a list: it has no prompt."""
    service = "text2image:image-synthesis"
    return {
        "gmt_create": int(task.submitted_at * 1000),
        "status": "SUCCEEDED",
        "task_id": task.task_id,
        "model_name": task.model,
        "user_api_unique_key": f"apikey:v1:aigc:{service}:{task.model}",
    }


def markers(prompt: str) -> dict[str, tuple[str, str]]:
    return {name: (value, rest or "") for name, value, rest in MARKER.findall(prompt)}
