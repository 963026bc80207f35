"""Deleting what is past its time, some at a time, whatever becomes of one of them."""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence

from heliograph.base.log import log

MOST_DELETIONS = 500

#: So often in one run: a great many files must not keep other work waiting for long.
MOST_ROUNDS = 20


async def delete_expired(
    read: Callable[[int, Sequence[uuid.UUID]], Awaitable[Mapping[uuid.UUID, str]]],
    delete: Callable[[str], Awaitable[None]],
    mark: Callable[[Sequence[uuid.UUID]], Awaitable[None]],
) -> int:
    """Delete the files that `read` names, up to a limit, and `mark` those that are gone; gives how many.

    `read` gives at most so many ids with their paths, besides those that could not be deleted in this
    run. The files go first, so that a crash in between is repaired by the next run.
    """
    stuck: list[uuid.UUID] = []
    deleted_in_all = 0
    for _ in range(MOST_ROUNDS):
        expired = await read(MOST_DELETIONS, stuck)
        deleted = []
        for one, path in expired.items():
            try:
                await delete(path)
            except Exception as error:  # noqa: BLE001 - one that is stuck must not keep the others
                log.warning("files.not_deleted", path=path, error=str(error))
                stuck.append(one)
            else:
                deleted.append(one)
        await mark(deleted)
        deleted_in_all += len(deleted)
        if len(expired) < MOST_DELETIONS:
            break
    return deleted_in_all
