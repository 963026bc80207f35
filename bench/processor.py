"""The processor time that processes have used: unlike a rate, it says something on a busy machine too."""

import os
from collections.abc import Callable
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def used_seconds(is_meant: Callable[[str], bool]) -> float:
    """What the living processes have used whose command line `is_meant`."""
    ticks = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (
                (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            )
            if is_meant(command):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        except OSError:  # it has ended
            continue
    return ticks / TICKS_A_SECOND
