"""Work on data beside the event loop, where it is worth a thread."""

import asyncio
from collections.abc import Callable
from typing import Concatenate, Final, ParamSpec, TypeVar

More = ParamSpec("More")
Out = TypeVar("Out")

#: To hash, decode or check so much takes a tenth of a millisecond or two; to hand it to a thread and
#: back, at full load, more than that: each of the two waits for the other to let go of the interpreter.
SMALL_BYTES: Final = 64 * 1024


async def beside(
    work: Callable[Concatenate[bytes, More], Out],
    data: bytes,
    *more: More.args,
    **named: More.kwargs,
) -> Out:
    """`work(data, ...)`, in a thread if it would hold up the loop. Raises what it raises."""
    if len(data) <= SMALL_BYTES:
        return work(data, *more, **named)
    return await asyncio.to_thread(work, data, *more, **named)
