"""The Helm chart, rendered by Helm itself: what Kubernetes would be given."""

import itertools
import re
from typing import Any

import pytest

from heliograph.base.settings import load_settings
from heliograph.worker import QUEUES
from unit.test_deploy import CHART, USER, arguments_are_good, documents, text_of

helm = pytest.importorskip("helm_python", reason="needs helm-python-sdk: make test-deploy")

INFORMATION = 1

EVERYTHING = {
    "image": {"tag": "1.2.3"},
    "imagePullSecrets": [{"name": "registry"}],
    "pricesConfigMap": "prices",
    "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}},
    "serve": {"autoscaling": {"enabled": True}, "nodeSelector": {"kind": "api"}},
    "workers": {
        "general": {"tolerations": [{"key": "spot", "operator": "Exists"}]},
        "render": {"autoscaling": {"enabled": True}},
    },
    "prometheus": {"operator": True},
    "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "tls", "annotations": {"a": "b"}},
}  # fmt: skip


def rendered(values: dict[str, Any]) -> list[dict[str, Any]]:
    with helm.Chart.load(CHART) as chart:
        files = chart.render(values, name="demo", namespace="prod")
    return list(itertools.chain.from_iterable(map(documents, files.values())))


@pytest.fixture(params=[{}, EVERYTHING], ids=["as it is", "with everything"])
def objects(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return rendered(request.param)


def of(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [one for one in objects if one["kind"] == kind]


def test_every_object_has_a_name_of_its_own(objects: list[dict[str, Any]]):
    names = [(one["kind"], one["metadata"]["name"]) for one in objects]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9-]{1,63}", name) for _, name in names)


def test_whatever_selects_pods_selects_those_of_one_deployment(objects: list[dict[str, Any]]):
    pods = [one["spec"]["template"]["metadata"]["labels"] for one in of(objects, "Deployment")]
    for one in (*of(objects, "Deployment"), *of(objects, "PodDisruptionBudget")):
        selector = one["spec"]["selector"]["matchLabels"]
        assert sum(selector.items() <= labels.items() for labels in pods) == 1
    service = next(one for one in of(objects, "Service") if one["metadata"]["name"] == "demo")
    selector = service["spec"]["selector"]
    assert [labels for labels in pods if selector.items() <= labels.items()] == [pods[0]]
    assert len(of(objects, "PodDisruptionBudget")) == len(pods) == 3


def test_pods_run_real_commands_as_nobody_in_particular_on_a_disk_that_cannot_be_written(
    objects: list[dict[str, Any]],
):
    queues: set[str] = set()
    for deployment in of(objects, "Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsUser"] == USER
        assert pod["securityContext"]["runAsNonRoot"] is True
        (container,) = pod["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["volumes"]}
        assert container["resources"]["limits"]["memory"]
        assert arguments_are_good(container["args"])
        if container["args"][0] == "worker":
            queues |= set(container["args"][2].split(","))
        else:
            probes = [container[f"{kind}Probe"] for kind in ("startup", "liveness", "readiness")]
            assert [probe["httpGet"]["path"] for probe in probes] == [
                "/health/live",
                "/health/live",
                "/health/ready",
            ]
        variables = {item["name"]: item["value"] for item in container.get("env", [])}
        assert load_settings(variables)
    assert queues == set(QUEUES)


def test_settings_are_settings(objects: list[dict[str, Any]]):
    (settings,) = of(objects, "ConfigMap")
    assert load_settings(settings["data"]).storage_url == "s3://pictures/heliograph"


def test_workers_grow_with_the_age_of_the_queue_and_the_api_with_its_load():
    objects = rendered(EVERYTHING)
    (scaled,) = of(objects, "ScaledObject")
    assert scaled["spec"]["scaleTargetRef"]["name"] == "demo-worker-render"
    (trigger,) = scaled["spec"]["triggers"]
    assert trigger["metadata"]["query"] == "max(heliograph_queue_oldest_seconds)"
    assert trigger["metadata"]["threshold"] == "10"
    (api,) = of(objects, "HorizontalPodAutoscaler")
    fixed = {
        one["metadata"]["name"]: "replicas" in one["spec"] for one in of(objects, "Deployment")
    }
    # a number here would undo what the autoscaler has decided, with every upgrade
    assert fixed == {
        "demo-serve": False,
        "demo-worker-general": True,
        "demo-worker-render": False,
    }
    assert api["spec"]["scaleTargetRef"]["name"] == "demo-serve"


def test_the_alerts_are_those_of_prometheus():
    (rule,) = of(rendered(EVERYTHING), "PrometheusRule")
    assert rule["spec"] == documents(text_of("prometheus/alerts.yaml"))[0]


def test_helm_finds_nothing_to_object_to():
    for values in ({}, EVERYTHING):
        report = helm.lint(CHART, values=values)
        assert report["total_charts_linted"] == 1
        assert not report["errors"]
        assert not [one for one in report["messages"] if one["severity"] > INFORMATION], report
