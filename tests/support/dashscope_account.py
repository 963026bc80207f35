"""What DashScope grants one account: a rate for each call, and five running tasks for each model."""

from collections import Counter, defaultdict

from support.dashscope_checks import Refusal

RUNNING = 5


class Account:
    """Refuses what comes too fast and tells when a task can run, if it is `enabled`."""

    def __init__(self, *, enabled: bool) -> None:
        self.enabled = enabled
        self.refused: Counter[str] = Counter()
        self._full: dict[str, float] = {}
        self._free_at: dict[str, list[float]] = defaultdict(lambda: [0.0] * RUNNING)

    def admit(self, call: str, per_second: float, now: float) -> None:
        """A bucket that holds one second's calls and fills up steadily. Raises Refusal."""
        if not self.enabled:
            return
        full_at = max(self._full.get(call, 0.0), now) + 1 / per_second
        if full_at > now + 1 + 1e-6:
            self.refused[call] += 1
            raise Refusal("Throttling.RateQuota", "Requests rate limit exceeded", 429)
        self._full[call] = full_at

    def place(self, kind: str, now: float, seconds: float) -> tuple[float, float]:
        """When a task begins and ends: as soon as one of the places of its model is free."""
        if not self.enabled:
            return now + seconds / 4, now + seconds
        free_at = self._free_at[kind]
        index = free_at.index(min(free_at))
        begins_at = max(now, free_at[index])
        free_at[index] = begins_at + seconds
        return begins_at, free_at[index]
