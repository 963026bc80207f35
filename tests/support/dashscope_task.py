"""A task of the DashScope emulator, and the markers in its prompt."""

import re
from dataclasses import dataclass

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
    seconds: float

    def marker(self, name: str) -> tuple[str, str] | None:
        return markers(self.prompt).get(name)

    def prompts(self) -> dict[str, str]:
        extended = {"actual_prompt": f"{self.prompt}, finely detailed"}
        return {"orig_prompt": self.prompt, **(extended if self.prompt_extend else {})}

    def times(self, *names: str) -> dict[str, str]:
        moments = {
            "submit_time": self.submitted_at,
            "scheduled_time": self.submitted_at + self.seconds / 4,
            "end_time": self.submitted_at + self.seconds,
        }
        return {name: china_time(moments[name]) for name in names}


def markers(prompt: str) -> dict[str, tuple[str, str]]:
    return {name: (value, rest or "") for name, value, rest in MARKER.findall(prompt)}
