import pytest

from heliograph.webhooks.inboxes.inbox import inbox_id_of, inbox_url, is_inbox_id

ID = "q3wVn8yT0eK5uR2aZ7xC9bM4dJ6fH1s_"
HERE = "https://images.example.com"


def test_an_inbox_is_known_by_its_address():
    assert inbox_url(ID, HERE) == f"{HERE}/inbox/{ID}"
    assert inbox_id_of(inbox_url(ID, HERE), HERE) == ID


@pytest.mark.parametrize(
    "url",
    [
        f"{HERE}/inbox/{ID}/",
        f"{HERE}/inbox/{ID}?x=1",
        f"{HERE}/inbox/{ID[1:]}",
        f"{HERE}/inbox/",
        f"{HERE}/files/{ID}",
        f"https://images.example.com.evil.test/inbox/{ID}",
        f"http://images.example.com/inbox/{ID}",
        ID,
    ],
)
def test_any_other_address_leads_elsewhere(url):
    assert inbox_id_of(url, HERE) is None


def test_without_a_public_address_there_are_no_inboxes():
    assert inbox_id_of(f"/inbox/{ID}", "") is None


@pytest.mark.parametrize("text", ["", ID + "a", ID[:-1] + "\n", ID[:-1] + "/", ID[:-1] + "\0"])
def test_an_id_has_its_form(text):
    assert is_inbox_id(ID)
    assert not is_inbox_id(text)
