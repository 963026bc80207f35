"""What is released: from pinned parts, by a workflow that has no lasting secret."""

import re
from typing import Any

import pytest
import yaml

from support.source import ROOT

WORKFLOW = ROOT / ".github/workflows/release.yml"
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.in"))

#: Whose commit of a release is not known for certain.
PINNED_BY_VERSION = {"actions/attest-build-provenance"}


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    return dict(yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"])


@pytest.mark.parametrize("names", REQUIREMENTS, ids=lambda path: path.stem)
def test_every_dependency_has_one_version_and_its_hashes(names: Any):
    text = names.with_suffix(".txt").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = text.splitlines()
    assert lines
    for line in lines:
        assert re.match(r"[a-z0-9._-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line), line


def test_the_workflow_may_do_nothing_that_a_job_does_not_ask_for(jobs: dict[str, Any]):
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {}
    read = {"contents": "read"}
    assert {name: job["permissions"] for name, job in jobs.items() if name != "publish"} == {
        "test": read,
        "build": read,
    }
    assert jobs["build"]["needs"] == "test"
    assert jobs["publish"]["needs"] == "build"


def test_no_secret_outlives_a_release(jobs: dict[str, Any]):
    assert "secrets." not in WORKFLOW.read_text(encoding="utf-8")
    assert jobs["publish"]["permissions"]["id-token"] == "write"
    # what may sign and publish runs no code of ours
    steps = [step.get("run", "") for step in jobs["publish"]["steps"]]
    assert not any("make" in step or "pip" in step for step in steps)


def test_actions_are_pinned(jobs: dict[str, Any]):
    used = [step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step]
    assert len(used) == 8
    for action, _, version in (one.partition("@") for one in used):
        exact = re.fullmatch(r"[0-9a-f]{40}", version) is not None
        assert exact or action in PINNED_BY_VERSION, action


def test_the_container_runs_as_nobody_in_particular_and_changes_nothing_in_itself():
    image = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^USER (.*)$", image, re.MULTILINE) == ["10001:10001"]
    services = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text(encoding="utf-8"))[
        "services"
    ]
    for name in ("serve", "worker"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]


def test_every_proof_that_the_threat_model_names_is_there():
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert len(links) > 30
    assert [link for link in links if not (ROOT / link).is_file()] == []
