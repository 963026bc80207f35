"""Settings that cannot be right stop the start, with a sentence that names them."""

import os

import pytest

from heliograph.base.errors import OperatorError
from heliograph.base.settings import load_settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RESULT_RETENTION_HOURS", "inf"),
        ("RESULT_RETENTION_HOURS", "99999999"),
        ("TASK_DEADLINE_SECONDS", "1e12"),
        ("WEBHOOK_RETRY_SECONDS", "30,inf"),
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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "images.example.com"),
        ("PUBLIC_URL", "ftp://images.example.com"),
        ("PUBLIC_URL", "https://"),
        ("ALERT_WEBHOOK_URL", "https://user:secret@[::1"),
        ("OPENAI_IMAGES_BASE_URL", "http://gpu-1:8091/v1,gpu-2:8091/v1"),
        ("SDCPP_BASE_URL", "http://127.0.0.1:99999"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused_and_not_shown(name: str, value: str):
    with pytest.raises(OperatorError, match=f"HELIOGRAPH_{name} must be an address") as raised:
        load_settings({f"HELIOGRAPH_{name}": value})
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("folder", ["~nobody-has-this-name/data", os.fsdecode(b"/data/\xff")])
def test_a_data_directory_that_cannot_be_written_down_is_refused(folder: str):
    with pytest.raises(OperatorError, match="HELIOGRAPH_DATA_DIR"):
        load_settings({"HELIOGRAPH_DATA_DIR": folder})
