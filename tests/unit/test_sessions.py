"""Who a session stands for, how long, and what its secrets look like."""

import datetime
import secrets

import pytest

from heliograph.accounts.account import Key
from heliograph.accounts.sessions.session import (
    Session,
    check_operator,
    hash_token,
    is_link_token,
    is_session_token,
)
from heliograph.base.log import hide_secrets

NOW = datetime.datetime(2026, 11, 26, 12, tzinfo=datetime.UTC)
LATER = NOW + datetime.timedelta(hours=1)


def key(**changes: object) -> Key:
    fields: dict[str, object] = {
        "key_id": "4fQ9xZ1b",
        "account_id": "acc_1",
        "name": "shop",
        "test": False,
        "routing": "auto",
        "rate_limit_per_minute": 7,
        "created_at": NOW,
        "expires_at": None,
        "revoked_at": None,
    }
    return Key(**fields | changes)  # type: ignore[arg-type]


def test_only_a_link_makes_an_owner():
    assert Session("acc_1", None, LATER).owns_account
    assert not Session("acc_1", None, LATER, key()).owns_account
    assert not Session(None, "Ada", LATER).owns_account


@pytest.mark.parametrize(
    ("account_id", "operator", "opener"),
    [(None, None, None), ("acc_1", "Ada", None), ("acc_2", None, key()), (None, "Ada", key())],
)
def test_a_session_of_two_or_of_nobody_cannot_be(
    account_id: str | None, operator: str | None, opener: Key | None
):
    with pytest.raises(AssertionError):
        Session(account_id, operator, LATER, opener)


def test_a_session_ends_at_its_moment_or_with_its_key():
    assert Session("acc_1", None, LATER).usable_at(NOW)
    assert not Session("acc_1", None, LATER).usable_at(LATER)
    assert not Session("acc_1", None, LATER, key(revoked_at=NOW)).usable_at(NOW)
    assert not Session("acc_1", None, LATER, key(expires_at=NOW)).usable_at(NOW)


def test_requests_count_as_the_keys_or_as_those_of_the_whole_account():
    assert Session("acc_1", None, LATER, key()).counted == key()
    mine = Session("acc_8m3k1v9q2x7c", None, LATER).counted
    assert mine == Session("acc_8m3k1v9q2x7c", None, NOW).counted
    assert mine != Session("acc_000000000000", None, LATER).counted
    assert len(mine.key_id.encode()) == 8
    assert not mine.key_id.isalnum()


def test_the_two_kinds_of_secrets_are_told_apart_and_hidden_in_logs():
    for prefix, here, there in (
        ("hgl_", is_link_token, is_session_token),
        ("hgs_", is_session_token, is_link_token),
    ):
        token = prefix + secrets.token_urlsafe(32)
        assert here(token)
        assert not there(token)
        assert not here(token + "x")
        assert len(hash_token(token)) == 32
        hidden = hide_secrets(None, "", {"path": f"/sign-in/{token}"})
        assert hidden == {"path": "/sign-in/[hidden]"}


@pytest.mark.parametrize("name", ["Ada", "grace.hopper@example.com", "王 小明", "x" * 60])
def test_an_operator_has_a_name_that_people_can_read(name: str):
    check_operator(name)


@pytest.mark.parametrize("name", ["", " ", "x" * 61, "a\nb", "a  b", "<b>", "\x1b[31m"])
def test_a_name_that_could_mislead_the_reader_of_a_log_is_refused(name: str):
    with pytest.raises(ValueError, match="must be a name"):
        check_operator(name)
