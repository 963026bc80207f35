import asyncio
from collections import Counter, deque

from hypothesis import given
from hypothesis import strategies as st

from heliograph.base.places import Places


class Crowd:
    """Owners who come to places, and leave them or stop waiting when the test says so."""

    def __init__(self, most, most_of_one):
        self.most, self.most_of_one = most, most_of_one
        self.places = Places(most, most_of_one)
        self.visits = []
        self.inside = deque()
        self.served = ""

    async def come(self, owners):
        for owner in owners:
            self.visits.append(asyncio.create_task(self.visit(owner)))
        await self.settle()

    async def visit(self, owner):
        """An owner in capitals needs two places."""
        leave = asyncio.Event()
        size = min(1 + owner.isupper(), self.most_of_one)
        async with self.places.one(owner.lower(), 1 + owner.isupper()):
            self.served += owner
            place = (owner.lower(), leave, size)
            self.inside.append(place)
            try:
                await leave.wait()
            finally:
                self.inside.remove(place)

    async def leave(self, times=1):
        """The first who came in goes, `times` times."""
        while times and self.inside:
            self.inside[0][1].set()
            await self.settle()
            times -= 1

    async def settle(self):
        for _ in range(5):
            await asyncio.sleep(0)
        taken = Counter()
        for owner, _, size in self.inside:
            taken[owner] += size
        assert taken.total() <= self.most
        assert all(count <= self.most_of_one for count in taken.values())

    async def go_home(self):
        while self.inside:
            await self.leave()
        await asyncio.gather(*self.visits, return_exceptions=True)
        assert vars(self.places) == vars(Places(self.most, self.most_of_one))


async def test_owners_take_turns_whoever_has_more_that_wait():
    crowd = Crowd(2, most_of_one=2)
    await crowd.come("aaaaaabbc")
    await crowd.go_home()
    assert crowd.served == "aaabcabaa"


async def test_one_owner_never_has_all_places():
    crowd = Crowd(4, most_of_one=2)
    await crowd.come("aaaaab")
    assert crowd.served == "aab"
    await crowd.go_home()
    assert sorted(crowd.served) == list("aaaaab")


async def test_nobody_comes_in_before_the_first_in_turn_because_he_needs_less():
    crowd = Crowd(3, most_of_one=2)
    await crowd.come("aAAbBc")
    assert crowd.served == "abc"
    await crowd.leave()
    await crowd.come("d")
    assert crowd.served == "abc"
    await crowd.leave()
    assert crowd.served == "abcA"
    await crowd.go_home()
    assert crowd.served == "abcABdA"


async def test_when_one_who_needs_several_stops_waiting_who_is_behind_comes_in():
    crowd = Crowd(2, most_of_one=2)
    await crowd.come("aBc")
    assert crowd.served == "a"
    crowd.visits[1].cancel()
    await crowd.settle()
    assert crowd.served == "ac"
    await crowd.go_home()


async def test_who_stops_waiting_takes_no_place_and_who_goes_before_coming_in_gives_it_back():
    crowd = Crowd(1, most_of_one=1)
    await crowd.come("abc")
    crowd.visits[1].cancel()
    crowd.inside[0][1].set()
    await asyncio.sleep(0)  # the place is handed to c, who has not come in yet
    crowd.visits[2].cancel()
    await crowd.settle()
    await crowd.come("d")
    assert crowd.served == "ad"
    await crowd.go_home()


@given(
    st.lists(
        st.one_of(st.text("abcAB", min_size=1, max_size=5), st.integers(1, 4), st.just("stop")),
        max_size=30,
    ),
    st.integers(1, 4),
    st.data(),
)
def test_whoever_comes_goes_or_stops_waiting_no_place_is_lost(happenings, most, data):
    async def live():
        crowd = Crowd(most, most_of_one=data.draw(st.integers(1, most)))
        for happening in happenings:
            if isinstance(happening, int):
                await crowd.leave(happening)
            elif happening != "stop":
                await crowd.come(happening)
            elif crowd.visits:
                data.draw(st.sampled_from(crowd.visits)).cancel()  # and go on at once
        await crowd.settle()
        await crowd.go_home()

    asyncio.run(live())
