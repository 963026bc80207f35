"""The money of random histories: whatever happens to tasks, in any order, the books agree with a model.

`make prove-money` runs 10,000 histories; the ordinary tests run fewer of the same.
"""

import asyncio
import dataclasses
import os
import uuid
from collections import Counter

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

from heliograph.accounts.limit import KeyLimits, limit_key
from heliograph.accounts.spending.budget import month_of
from heliograph.base.errors import (
    Conflict,
    Fault,
    PaymentRequired,
    TooManyRequests,
    UnprocessableEntity,
)
from heliograph.catalog.batch import BatchItem, BatchRequest
from heliograph.catalog.prices import load_prices
from heliograph.ledger.audit import audit
from heliograph.ledger.store import top_up
from heliograph.providers.provider import Failed, Running, Started, Unknown
from heliograph.tasks import store
from heliograph.tasks.batches.store import read_items
from heliograph.tasks.batches.submit import NewBatch, submit_batch
from heliograph.tasks.cancel import cancel_task
from heliograph.tasks.finish import finish
from heliograph.tasks.rescue import sweep
from heliograph.tasks.retention.expire import forget_idempotency_keys
from heliograph.tasks.run import advance
from heliograph.tasks.submit import submit_tasks
from heliograph.tasks.task import LEASE_SECONDS, Ending, failed
from support.spine import START, open_spine, pictures

HISTORIES = 10_000 if os.environ.get("HYPOTHESIS_PROFILE") == "prove" else 80
MOST_LIVE_TASKS = 6
KEPT_SECONDS = 24 * 3600
TEN_DAYS_SECONDS = 10 * 24 * 3600

prices = st.sampled_from(["0.03", "0", "0.000001", "0.2"])
names = st.sampled_from("abcd")
STORED = {"path": "results/x/1.png", "width": 1, "height": 1, "size_bytes": 1, "sha256": ""}


class Money(RuleBasedStateMachine):
    """One account, two keys and its tasks; what the model believes of them.

    `open` has the hold, price, month and key of each task; `known` what idempotency keys were used
    for, and when. Of the two keys only the first ever has a cap.
    """

    spine = None
    run = None

    @initialize(reruns=st.booleans())
    def start(self, reruns):
        # with the calendar of the last history the same steps would meet the end of a month elsewhere
        self.spine.clock.moment = START
        self.spine.engine.reruns = reruns
        self.spine.engine.outcomes.clear()
        self.key = self.run(self.spine.key(dollars=0.5, max_live_tasks=MOST_LIVE_TASKS))
        self.other = self.run(self.spine.another_key(self.key.account_id))
        self.keys = {True: self.key, False: self.other}
        self.funded, self.charged, self.cap = 500_000, 0, None
        self.open, self.ended, self.stale, self.known = {}, {}, [], {}
        self.spent = Counter()

    def held(self):
        return sum(hold for hold, *_ in self.open.values())

    def month(self):
        return month_of(self.spine.clock.now())

    def spent_by_month(self):
        """What the first key's tasks hold or were charged."""
        spent = Counter(self.spent)
        for hold, _, month, key_id in self.open.values():
            if key_id == self.key.key_id:
                spent[month] += hold
        return spent

    def refusal(self, key, tasks, needed):
        """With what the service must refuse `tasks` that hold `needed` together."""
        if len(self.open) + tasks > MOST_LIVE_TASKS:
            return TooManyRequests
        spent = self.spent_by_month()[self.month()]
        over_cap = key is self.key and self.cap is not None and spent + needed > self.cap
        if (needed and over_cap) or needed > self.funded - self.charged - self.held():
            return PaymentRequired
        return None

    def recalled(self, name):
        """What a name was used for in the last day, or None."""
        request, answer, moment = self.known.get(name, (None, None, None))
        age = None if moment is None else (self.spine.clock.now() - moment).total_seconds()
        return (request, answer) if age is not None and age < KEPT_SECONDS else None

    def remember(self, name, request, answer):
        self.known[name] = (request, answer, self.spine.clock.now())

    def at_price(self, price):
        """A runtime in which an image costs `price`, and that in micros."""
        models = self.spine.runtime.models
        listed = load_prices(f"[wan-2-5-image.text-to-image]\ndefault = {price}", models)
        micros = listed.unit_price_micros("wan-2-5-image", "text-to-image", "auto")
        return dataclasses.replace(self.spine.runtime, prices=listed), micros

    @rule(
        asked=st.lists(
            st.tuples(st.integers(1, 4), st.none() | names, st.booleans()), min_size=1, max_size=4
        ),
        price=prices,
    )
    def submit(self, asked, price):
        runtime, micros = self.at_price(price)
        tasks = [
            self.spine.asked(self.keys[first], num_images=count, idempotency_key=name)
            for count, name, first in asked
        ]
        answers = self.run(submit_tasks(runtime, tasks))
        for (count, name, first), answer in zip(asked, answers, strict=True):
            self.check_answer(self.keys[first], count, name, micros, answer)

    def check_answer(self, key, count, name, micros, answer):
        recalled = self.recalled(name) if name else None
        refused = self.refusal(key, 1, count * micros)
        if recalled is not None:
            request, task_id = recalled
            if request == count:
                assert (answer.task_id, answer.replayed) == (task_id, True)
            else:
                assert isinstance(answer, UnprocessableEntity)
        elif refused is not None:
            assert isinstance(answer, refused)
        else:
            assert not answer.replayed
            self.accept(answer.task_id, key, count, micros)
            if name:
                self.remember(name, count, answer.task_id)

    def accept(self, task_id, key, count, micros):
        self.open[task_id] = (count * micros, micros, self.month(), key.key_id)

    @rule(
        items=st.lists(st.tuples(st.integers(1, 4), names), min_size=1, max_size=3).filter(
            lambda items: len({name for _, name in items}) == len(items)
        ),
        name=st.sampled_from("xy"),
        price=prices,
        first=st.booleans(),
    )
    def submit_batch(self, items, name, price, first):
        key = self.keys[first]
        runtime, micros = self.at_price(price)
        listed = [
            BatchItem(item, item, self.spine.asked(key, num_images=count).submission)
            for count, item in items
        ]
        request = BatchRequest("wan-2-5-image", tuple(listed), None)
        try:
            answer = self.run(submit_batch(runtime, NewBatch(key, request, name)))
        except Fault as fault:
            answer = fault
        self.check_batch(key, name, items, micros, answer)

    def check_batch(self, key, name, items, micros, answer):
        recalled = self.recalled(name)
        refused = self.refusal(key, len(items), sum(count for count, _ in items) * micros)
        if recalled is not None and recalled[0] == items:
            assert (answer.batch_id, answer.replayed) == (recalled[1], True)
        elif recalled is not None or any(self.recalled(item) for _, item in items):
            assert isinstance(answer, UnprocessableEntity)
        elif refused is not None:
            assert isinstance(answer, refused)
        else:
            assert not answer.replayed
            self.remember(name, items, answer.batch_id)
            made = self.run(read_items(self.spine.runtime.pool, answer.batch_id))
            assert [one.client_item_id for one in made] == [item for _, item in items]
            for (count, item), one in zip(items, made, strict=True):
                self.accept(one.task.task_id.hex, key, count, micros)
                # of a batch's item a single task is never the repetition
                self.remember(item, ("item", count), one.task.task_id.hex)

    @rule(cap=st.sampled_from([None, 0, 90_000, 400_000, 10**9]))
    def limit(self, cap):
        self.run(
            limit_key(self.spine.runtime.pool, self.key.key_id, KeyLimits(monthly_cap_micros=cap))
        )
        self.cap = cap

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
        self.run(advance(self.spine.runtime, self.task_id(self.some_task(data)), "render"))
        self.spine.engine.outcomes.clear()

    @precondition(lambda self: self.open)
    @rule(data=st.data(), intend=st.booleans())
    def crash(self, data, intend):
        """A worker claims a task, perhaps begins a call, and is never heard of again, or very late."""
        task_id = self.task_id(data.draw(st.sampled_from(list(self.open))))
        pool, now = self.spine.runtime.pool, self.spine.clock.now()
        [task] = self.run(store.claim_tasks(pool, [task_id], now, LEASE_SECONDS))
        if task is not None:
            self.stale.append(task)
            if intend:
                call = store.Call(task_id, task.claim_no, self.spine.engine.name)
                self.run(store.begin_attempts(pool, [call], now))

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

    @rule(seconds=st.sampled_from([1, LEASE_SECONDS, 90, 700, KEPT_SECONDS, TEN_DAYS_SECONDS]))
    def wait(self, seconds):
        self.spine.clock.advance(seconds)
        self.run(sweep(self.spine.runtime))
        self.run(forget_idempotency_keys(self.spine.runtime))

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
        assert row["has_caps"] == (self.cap is not None)
        self.run(self.check_spending())

    async def check_spending(self):
        rows = await self.spine.runtime.pool.fetch(
            "SELECT month, spent_micros FROM key_spending WHERE key_id = ANY($1)",
            [self.key.key_id, self.other.key_id],
        )
        counted = {row["month"]: row["spent_micros"] for row in rows if row["spent_micros"]}
        spent = {} if self.cap is None else self.spent_by_month()
        assert counted == {month: micros for month, micros in spent.items() if micros}

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
                _, price, month, key_id = self.open.pop(name)
                charge = price * sum("path" in image for image in row["images"])
                self.charged += charge
                self.spent[month] += charge if key_id == self.key.key_id else 0
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
