"""The intake against pictures by the hundred: the verdict, and what it costs.

What one verdict costs is read from the operating system: processor time of this process and of the child
that decodes, and the most memory that the child ever had.
"""

import os
import resource
import time
from pathlib import Path

import pytest
import pytest_asyncio

from heliograph.base.errors import PictureRefused
from heliograph.base.outbound import Outbound
from heliograph.catalog.wan_2_5_image import WAN_2_5_IMAGE
from heliograph.intake.decode import MAX_RESULT_BYTES, Decoder
from heliograph.intake.fetch import Intake
from support.more_pictures import heaviest_pictures, more_bad_pictures, more_good_pictures

LIMITS = WAN_2_5_IMAGE.references
GOOD, BAD, HEAVY = more_good_pictures(), more_bad_pictures(), heaviest_pictures()
MOST_SECONDS = 5.0
MOST_BYTES = 512 * 2**20
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")

in_one_loop = pytest.mark.asyncio(loop_scope="module")


class Costs:
    """The dearest verdict so far."""

    def __init__(self):
        self.seconds = self.own_seconds = self.peak_bytes = 0
        self.verdicts = 0

    def note(self, seconds, own_seconds):
        self.verdicts += 1
        self.seconds = max(self.seconds, seconds)
        self.own_seconds = max(self.own_seconds, own_seconds)
        self.peak_bytes = max(self.peak_bytes, peak_bytes())
        assert seconds <= MOST_SECONDS
        assert own_seconds <= 1
        assert self.peak_bytes <= MOST_BYTES


def decoders():
    """The running children that decode; other tests of the same run have children of their own."""
    pids = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [
        pid for pid in pids if b"heliograph.intake" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def child_seconds():
    """Processor time of every child that has ended, and of the running decoder."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    running = 0.0
    for pid in decoders():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        running += (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND
    return ended.ru_utime + ended.ru_stime + running


def peak_bytes():
    """The largest address space that a running decoder has had."""
    texts = [Path(f"/proc/{pid}/status").read_text() for pid in decoders()]
    lines = [line for text in texts for line in text.splitlines() if line.startswith("VmPeak")]
    return max((int(line.split()[1]) * 1024 for line in lines), default=0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def intake():
    """One intake for all, so that a child which one picture hurts fails the next."""
    decoder = Decoder(processes=1)
    async with Outbound() as outbound:
        yield Intake(outbound, decoder)
    await decoder.close()


@pytest.fixture(scope="module")
def costs(request):
    costs = Costs()
    yield costs
    with request.config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
        print(
            f"\n{costs.verdicts} verdicts; the dearest took {costs.seconds:.2f} s of a child's processor, "
            f"{costs.own_seconds:.3f} s of our own, {costs.peak_bytes / 2**20:.0f} MB of address space"
        )


async def verdict(intake, costs, data):
    before, own_before = child_seconds(), time.process_time()
    try:
        return await intake.check(data, LIMITS, "acc")
    finally:
        own = time.process_time() - own_before
        costs.note(child_seconds() - before, own)


def test_the_corpus_is_as_large_as_it_claims():
    assert len(BAD) >= 300
    assert len(GOOD) >= 80


@in_one_loop
@pytest.mark.parametrize("name", BAD)
async def test_a_bad_file_is_refused_with_its_reason(intake, costs, name):
    reason, make = BAD[name]
    with pytest.raises(PictureRefused, match=reason) as raised:
        await verdict(intake, costs, make())
    assert raised.value.message.endswith(".")


@in_one_loop
@pytest.mark.parametrize("name", GOOD)
async def test_a_good_picture_is_taken(intake, costs, name):
    reference = await verdict(intake, costs, GOOD[name]())
    assert min(reference.width, reference.height) >= LIMITS.min_side_px
    assert len(reference.data) > 100


@in_one_loop
@pytest.mark.parametrize("name", HEAVY)
async def test_the_heaviest_good_pictures_are_taken_within_the_limits(intake, costs, name):
    reference = await verdict(intake, costs, HEAVY[name]())
    assert (reference.width, reference.height) == (5000, 5000)
    assert len(reference.data) <= MAX_RESULT_BYTES
