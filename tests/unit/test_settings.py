"""Settings that cannot be right stop the start, with a sentence that names them."""

import pytest

from heliograph.base.errors import OperatorError
from heliograph.base.settings import load_settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RESULT_RETENTION_HOURS", "inf"),
        ("RESULT_RETENTION_HOURS", "99999999"),
        ("TASK_DEADLINE_SECONDS", "1e12"),
        ("TEXT_RETENTION_DAYS", "9999999"),
        ("MAX_LIVE_TASKS", "3000000000"),
        ("RATE_LIMIT_PER_MINUTE", "3000000000"),
    ],
)
def test_what_database_and_calendar_cannot_take_is_refused_and_named(name: str, value: str):
    with pytest.raises(OperatorError, match=f"HELIOGRAPH_{name}: Expected"):
        load_settings({f"HELIOGRAPH_{name}": value})


def test_an_empty_option_counts_as_absent():
    assert load_settings({}, host="", data_dir="") == load_settings({})
