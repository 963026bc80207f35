"""The money of random histories: whatever happens to tasks, in any order, the books agree with a model.

`make prove-money` runs 2,000 histories; the ordinary tests run fewer of the same.
"""

import asyncio
import dataclasses
import os
import uuid

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from heliograph.base.errors import Conflict, PaymentRequired, TooManyRequests
from heliograph.catalog.prices import load_prices
from heliograph.ledger.audit import audit
from heliograph.ledger.store import top_up
from heliograph.providers.provider import Failed, Running, Started, Unknown
from heliograph.tasks import store
from heliograph.tasks.cancel import cancel_task
from heliograph.tasks.finish import finish
from heliograph.tasks.rescue import sweep
from heliograph.tasks.run import advance
from heliograph.tasks.submit import submit_tasks
from heliograph.tasks.task import LEASE_SECONDS, Ending, failed
from support.spine import open_spine, pictures

HISTORIES = 2_000 if os.environ.get("HYPOTHESIS_PROFILE") == "prove" else 120
MOST_LIVE_TASKS = 6
STORED = {"path": "results/x/1.png", "width": 1, "height": 1, "size_bytes": 1, "sha256": ""}


class Money(RuleBasedStateMachine):
    """One account and its tasks; `open` and `ended` are what the model believes."""

    spine = None
    run = None

    @initialize(reruns=st.booleans())
    def start(self, reruns):
        self.spine.engine.reruns = reruns
        self.spine.engine.outcomes.clear()
        self.key = self.run(self.spine.key(dollars=0.5, max_live_tasks=MOST_LIVE_TASKS))
        self.funded, self.charged = 500_000, 0
        self.open, self.ended, self.stale = {}, {}, []

    def held(self):
        return sum(hold for hold, _ in self.open.values())

    @rule(
        counts=st.lists(st.integers(1, 4), min_size=1, max_size=4),
        price=st.sampled_from(["0.03", "0", "0.000001", "0.2"]),
    )
    def submit(self, counts, price):
        prices = load_prices(
            f"[wan-2-5-image.text-to-image]\ndefault = {price}", self.spine.runtime.models
        )
        micros = prices.unit_price_micros("wan-2-5-image", "text-to-image", "auto")
        runtime = dataclasses.replace(self.spine.runtime, prices=prices)
        asked = [self.spine.asked(self.key, num_images=count) for count in counts]
        for count, answer in zip(counts, self.run(submit_tasks(runtime, asked)), strict=True):
            available = self.funded - self.charged - self.held()
            if len(self.open) >= MOST_LIVE_TASKS:
                assert isinstance(answer, TooManyRequests)
            elif count * micros > available:
                assert isinstance(answer, PaymentRequired)
            else:
                self.open[answer] = (count * micros, micros)

    @rule(dollars=st.integers(1, 10**6))
    def pay_in(self, dollars):
        pool, now = self.spine.runtime.pool, self.spine.clock.now()
        self.run(top_up(pool, self.key.account_id, dollars, note=None, now=now))
        self.funded += dollars

    def some_task(self, data):
        return data.draw(st.sampled_from([*self.open, *self.ended]))

    @precondition(lambda self: self.open or self.ended)
    @rule(
        data=st.data(),
        outcome=st.one_of(
            st.builds(pictures, st.integers(0, 4), st.integers(0, 4)).filter(
                lambda one: one.images
            ),
            st.sampled_from(
                [
                    Failed("PromptInvalid", "no"),
                    Started("ref", 1),
                    Running(1, 0.5),
                    Unknown("?"),
                    RuntimeError("x"),
                ]
            ),
        ),
    )
    def step(self, data, outcome):
        self.spine.engine.outcomes.append(outcome)
        self.run(advance(self.spine.runtime, self.task_id(self.some_task(data))))
        self.spine.engine.outcomes.clear()

    @precondition(lambda self: self.open)
    @rule(data=st.data(), intend=st.booleans())
    def crash(self, data, intend):
        """A worker claims a task, perhaps begins a call, and is never heard of again, or very late."""
        task_id = self.task_id(data.draw(st.sampled_from(list(self.open))))
        pool, now = self.spine.runtime.pool, self.spine.clock.now()
        task = self.run(store.claim_task(pool, task_id, now, LEASE_SECONDS))
        if task is not None:
            self.stale.append(task)
            if intend:
                self.run(store.begin_attempt(pool, task, self.spine.engine.name, now))

    @precondition(lambda self: self.stale)
    @rule(data=st.data(), made=st.integers(0, 4))
    def come_back_late(self, data, made):
        task = data.draw(st.sampled_from(self.stale))
        ending = (
            Ending((STORED,) * min(made, task.request.num_images))
            if made
            else failed("Timeout", "late")
        )
        self.run(finish(self.spine.runtime, task, ending))

    @precondition(lambda self: self.open or self.ended)
    @rule(data=st.data())
    def cancel(self, data):
        task_id = self.some_task(data)
        try:
            self.run(cancel_task(self.spine.runtime, self.task_id(task_id)))
        except Conflict:
            assert task_id in self.ended

    @rule(seconds=st.sampled_from([1, LEASE_SECONDS, 90, 700]))
    def wait(self, seconds):
        self.spine.clock.advance(seconds)
        self.run(sweep(self.spine.runtime))

    @invariant()
    def books_agree_with_the_model(self):
        if not hasattr(self, "key"):
            return
        self.note_endings()
        row = self.run(
            self.spine.runtime.pool.fetchrow(
                "SELECT * FROM balances WHERE account_id = $1", self.key.account_id
            )
        )
        assert row["held_micros"] == self.held()
        assert row["charged_micros"] == self.charged
        assert row["available_micros"] == self.funded - self.held() - self.charged >= 0
        assert row["live_tasks"] == len(self.open)

    def note_endings(self):
        rows = self.run(
            self.spine.runtime.pool.fetch(
                "SELECT * FROM tasks WHERE task_id = ANY($1)",
                [self.task_id(name) for name in [*self.open, *self.ended]],
            )
        )
        assert len(rows) == len(self.open) + len(self.ended)
        for row in rows:
            name, ended = row["task_id"].hex, row["state"] in ("success", "failed")
            if name in self.ended:
                assert dict(row) == self.ended[name], "a task that has ended never changes"
            elif ended:
                _, price = self.open.pop(name)
                self.charged += price * sum("path" in image for image in row["images"])
                self.ended[name] = dict(row)

    def teardown(self):
        for name in list(getattr(self, "open", ())):
            self.run(cancel_task(self.spine.runtime, self.task_id(name)))
        self.books_agree_with_the_model()

    @staticmethod
    def task_id(name):
        return uuid.UUID(name)


def test_whatever_happens_the_books_agree_with_the_model(database_url, tmp_path):
    with asyncio.Runner() as runner:
        opening = open_spine(database_url, tmp_path)
        Money.run, Money.spine = runner.run, runner.run(opening.__aenter__())
        try:
            run_state_machine_as_test(
                Money,
                settings=settings(
                    max_examples=HISTORIES,
                    stateful_step_count=25,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
            tasks = runner.run(Money.spine.runtime.pool.fetchval("SELECT count(*) FROM tasks"))
            print(f"{HISTORIES} histories, {tasks} tasks")
            assert tasks > HISTORIES
            assert runner.run(audit(Money.spine.runtime.pool)) == []
        finally:
            runner.run(opening.__aexit__(None, None, None))
