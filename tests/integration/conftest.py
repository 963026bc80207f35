"""What tests of the spine begin with, and how they end."""

import pytest

from heliograph.ledger.audit import audit
from support.spine import open_spine


@pytest.fixture
async def spine(database_url, tmp_path):
    """A Spine on the test's own database, whose books are right in the end."""
    async with open_spine(database_url, tmp_path) as opened:
        yield opened
        assert await audit(opened.runtime.pool) == []
