"""What operators do at the command line stands in the same log."""

import json
import subprocess

from contract.operator import Operator
from contract.service import Customer, Service
from support.service import COMMAND, environment


def run(service: Service, *words: str) -> subprocess.CompletedProcess[str]:
    settings = service.runtime.settings
    named = {
        "HELIOGRAPH_DATABASE_URL": str(settings.database_url),
        "HELIOGRAPH_DATA_DIR": str(settings.data_dir),
    }
    command = [*COMMAND, *words]
    return subprocess.run(
        command, env=environment(named), capture_output=True, text=True, timeout=60, check=False
    )


def test_commands_are_written_down_like_what_is_done_at_the_pages(
    service: Service, customer: Customer
):
    key_id = customer.api_key.split("_")[2]
    for words in (
        ("account", "credit", customer.account_id, "5", "--note", "cash"),
        ("key", "revoke", key_id),
        ("webhook", "resend", "--since", "2000-01-01", "--account", customer.account_id),
    ):
        done = run(service, *words)
        assert done.returncode == 0, done.stderr
    operator = Operator(service)
    revoked, credited = operator.log(customer.account_id)
    assert (revoked["action"], revoked["subject"]) == ("revoke", key_id)
    assert (credited["action"], credited["note"]) == ("topup", "cash")
    assert credited["after"] == {"balance": 105, "amount": 5}
    assert {one["operator"].endswith("(command line)") for one in (revoked, credited)} == {True}
    operator.http.close()


def test_an_audit_at_the_command_line_is_the_last_audit_at_the_pages(service: Service):
    assert run(service, "audit", "--json").returncode in (0, 1)
    operator = Operator(service)
    assert operator.get("audit")["last"]["operator"].endswith("command line)")
    operator.http.close()


def test_an_audit_of_the_changes_is_none_of_the_runs_that_the_pages_show(service: Service):
    operator = Operator(service)
    before = operator.get("audit")
    done = run(service, "audit", "--changes", "--json")
    assert done.returncode in (0, 1), done.stderr
    assert isinstance(json.loads(done.stdout), list)
    assert operator.get("audit") == before
    operator.http.close()
