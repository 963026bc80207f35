"""How many POSTs are in flight: to one place, for one account, and in all."""

from dataclasses import dataclass

#: POSTs in flight to one host and port, for each process: a receiver that hangs holds no more.
MOST_IN_FLIGHT = 4

#: The first wait for a free lane, and the longest.
LATER_SECONDS = 0.5
LONGEST_LATER_SECONDS = 30.0


@dataclass(frozen=True)
class Later:
    """Nothing was done; ask again after `seconds`: the receiver is busy, or it is too early."""

    seconds: float


class Lanes:
    """The POSTs in flight of a worker with `slots`; who finds no lane free does not wait there.

    All together have half of the slots and one account a quarter, however many receivers hang: the
    rest is for tasks, and for the notices of others. The pause grows with the number turned away
    since a lane last came free, so that a thousand notices for a receiver that hangs cost little,
    and a quick receiver is soon served.
    """

    def __init__(self, slots: int) -> None:
        self._most, self._most_of_one = max(1, slots // 2), max(1, slots // 4)
        self._taken: dict[str, int] = {}
        self._turned_away: dict[str, int] = {}

    def enter(self, place: str, account_id: str) -> Later | None:
        """Take a lane to `place`, to be left again, and give None; or say when to ask again."""
        bounds = self._bounds(place, account_id)
        for name, most in bounds.items():
            if self._taken.get(name, 0) >= most:
                return self._turn_away(name, most)
        for name in bounds:
            self._taken[name] = self._taken.get(name, 0) + 1
        return None

    def leave(self, place: str, account_id: str) -> None:
        """Give back a lane that was entered."""
        for name in self._bounds(place, account_id):
            self._turned_away.pop(name, None)
            self._taken[name] -= 1
            if not self._taken[name]:
                del self._taken[name]

    def _bounds(self, place: str, account_id: str) -> dict[str, int]:
        return {
            f"to {place}": MOST_IN_FLIGHT,
            f"of {account_id}": self._most_of_one,
            "all": self._most,
        }

    def _turn_away(self, name: str, most: int) -> Later:
        turned_away = self._turned_away.get(name, 0)
        self._turned_away[name] = turned_away + 1
        seconds = LATER_SECONDS * (1 + turned_away // most)
        return Later(min(seconds, LONGEST_LATER_SECONDS))
