"""What the rooms know, as operators see it."""

import datetime

from heliograph.accounts.account import Key
from heliograph.api.admin.wire import (
    AccountData,
    ActionData,
    AdminKeyData,
    AlarmData,
    FindingData,
    OpenTasksData,
    ProofData,
    ProviderData,
    QueueData,
    SwitchData,
    WorkerData,
)
from heliograph.base.clock import unix_ms
from heliograph.catalog.model import Model
from heliograph.ledger.money import dollars
from heliograph.operators.log.store import Action
from heliograph.operators.proofs.store import Proof
from heliograph.operators.seen import Seen
from heliograph.operators.store import AccountSummary, OpenTasks, Queue
from heliograph.operators.switches.store import Off
from heliograph.operators.workers.beat import ALIVE_SECONDS
from heliograph.operators.workers.store import Worker


def account_data(account: AccountSummary) -> AccountData:
    """`account` with its money in dollars."""
    return AccountData(
        account_id=account.account_id,
        name=account.name,
        create_time=unix_ms(account.created_at),
        balance=dollars(account.available_micros),
        held=dollars(account.held_micros),
        charged=dollars(account.charged_micros),
        live_tasks=account.live_tasks,
        max_live_tasks=account.max_live_tasks,
        keys=account.keys,
    )


def key_data(key: Key, now: datetime.datetime) -> AdminKeyData:
    """`key` with what limits it."""
    return AdminKeyData(
        key_id=key.key_id,
        name=key.name,
        test=key.test,
        routing=key.routing,
        rate_limit_per_minute=key.rate_limit_per_minute,
        create_time=unix_ms(key.created_at),
        last_used_time=_time(key.last_used_at),
        expires_time=_time(key.expires_at),
        revoked_time=_time(key.revoked_at),
        usable=key.usable_at(now),
        monthly_cap=_dollars(key.monthly_cap_micros),
        total_cap=_dollars(key.total_cap_micros),
        models=None if key.models is None else list(key.models),
        networks=None if key.networks is None else list(key.networks),
    )


def queue_data(queue: Queue) -> QueueData:
    """`queue` with its ages rounded."""
    oldest = queue.oldest_seconds
    return QueueData(
        name=queue.name,
        waiting=queue.waiting,
        oldest_seconds=None if oldest is None else round(max(oldest, 0), 1),
        later=queue.later,
        taken=queue.taken,
    )


def open_tasks_data(tasks: OpenTasks) -> OpenTasksData:
    """`tasks` with the time of the oldest."""
    return OpenTasksData(tasks.state, tasks.tasks, unix_ms(tasks.oldest_at))


def worker_data(worker: Worker) -> WorkerData:
    """`worker`, judged by how long it has been silent."""
    return WorkerData(
        worker.worker_id.hex,
        worker.host,
        worker.process_id,
        worker.queues,
        unix_ms(worker.started_at),
        round(worker.silent_seconds, 1),
        worker.silent_seconds < ALIVE_SECONDS,
    )


def provider_data(seen: Seen, now: datetime.datetime) -> ProviderData:
    """What was `seen` of a provider, its circuit judged at `now`."""
    health = seen.health
    is_open = health.is_open(now)
    cost, charged = sum(one.cost_micros for one in seen.calls), seen.charged_micros
    return ProviderData(
        name=health.name,
        asked=seen.asked,
        failures=health.failures,
        circuit="open" if is_open else "closed",
        open_until=_time(health.open_until) if is_open else None,
        error=health.error,
        failed_time=_time(health.failed_at),
        worked_time=_time(health.worked_at),
        calls={one.outcome: one.calls for one in seen.calls},
        cost_per_image=_dollars(seen.unit_cost_micros),
        cost=dollars(cost),
        charged=dollars(charged),
        margin=dollars(charged - cost),
        alarms=[
            AlarmData(
                alarm["code"],
                alarm["remedy"],
                alarm["number"],
                unix_ms(alarm["first_at"]),
                unix_ms(alarm["last_at"]),
            )
            for alarm in seen.alarms
        ],
    )


def switch_data(model: Model, off: Off | None) -> SwitchData:
    """`model`, which is on unless there is an `off` of it."""
    return SwitchData(
        model_id=model.model_id,
        title=model.title,
        on=off is None,
        reason=off.reason if off else None,
        operator=off.operator if off else None,
        switched_time=unix_ms(off.switched_at) if off else None,
    )


def proof_data(proof: Proof) -> ProofData:
    """A run of the audit with what it found."""
    ended = proof.found is not None
    return ProofData(
        operator=proof.operator,
        start_time=unix_ms(proof.started_at),
        end_time=_time(proof.ended_at),
        found=proof.found,
        findings=[FindingData(one.subject, one.problem) for one in proof.findings]
        if ended
        else None,
        error=proof.error,
    )


def action_data(action: Action) -> ActionData:
    """A line of the log."""
    return ActionData(
        id=action.action_id,
        time=unix_ms(action.created_at),
        operator=action.operator,
        action=action.action,
        subject=action.subject,
        account_id=action.account_id,
        before=dict(action.before) if action.before is not None else None,
        after=dict(action.after) if action.after is not None else None,
        note=action.note,
    )


def _time(moment: datetime.datetime | None) -> int | None:
    return None if moment is None else unix_ms(moment)


def _dollars(micros: int | None) -> float | None:
    return None if micros is None else dollars(micros)
