import hashlib
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.accounts.keys import BASE62, mint_key, parse_key

API_KEY = mint_key(test=False).api_key


@pytest.mark.parametrize(("test", "start"), [(False, "hg_live_"), (True, "hg_test_")])
def test_a_new_key_has_the_documented_shape(test: bool, start: str):
    minted = mint_key(test=test)
    assert minted.api_key.startswith(f"{start}{minted.key_id}_")
    assert re.fullmatch(r"hg_(live|test)_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}", minted.api_key)


def test_a_new_key_parses_to_its_id():
    minted = mint_key(test=False)
    assert parse_key(minted.api_key) == minted.key_id


def test_what_is_stored_of_a_key_is_its_sha256():
    minted = mint_key(test=False)
    assert minted.secret_sha256 == hashlib.sha256(minted.api_key.encode()).digest()


def test_no_two_keys_are_alike():
    minted = [mint_key(test=False) for _ in range(200)]
    assert len({key.key_id for key in minted}) == 200
    assert len({key.api_key[17:49] for key in minted}) == 200


def test_the_checksum_is_crc32_in_base62():
    assert parse_key("hg_live_00000000_" + "0" * 32 + "21ZFwQ") == "00000000"


def test_every_change_of_a_single_character_is_refused():
    for place, right in enumerate(API_KEY):
        for wrong in string.printable:
            if wrong != right:
                assert parse_key(API_KEY[:place] + wrong + API_KEY[place + 1 :]) is None


def test_every_swap_of_two_neighbours_is_refused():
    for place in range(len(API_KEY) - 1):
        first, second = API_KEY[place], API_KEY[place + 1]
        if first != second:
            assert parse_key(API_KEY[:place] + second + first + API_KEY[place + 2 :]) is None


def test_every_lost_and_every_doubled_character_is_refused():
    for place in range(len(API_KEY)):
        assert parse_key(API_KEY[:place] + API_KEY[place + 1 :]) is None
        assert parse_key(API_KEY[:place] + API_KEY[place] + API_KEY[place:]) is None


@given(st.text())
def test_any_other_text_is_refused_without_an_error(text: str):
    assert parse_key(text) is None
    assert parse_key(API_KEY + text) is None or text == ""


@given(st.text(alphabet=BASE62, min_size=46, max_size=46))
def test_a_made_up_key_of_the_right_shape_is_refused(text: str):
    assert parse_key(f"hg_live_{text[:8]}_{text[8:]}") is None
