"""The Helm chart: what helm made of it is what Kubernetes takes, and runs nothing as root.

`deploy/helm/rendered` was made by a real helm; where there is one, it is asked again. Schemas are
Kubernetes' own (deploy/helm/schemas). No cluster was asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import yaml

from tests.tidy.tree import ROOT
from tools.render_chart import CHART, DIGEST, RENDERED, SITES, digest_of_chart, find_helm, render

SCHEMAS = sorted((ROOT / "deploy" / "helm" / "schemas").glob("*.json"))
Manifest = dict[str, Any]


def manifests(site: str) -> list[Manifest]:
    """What helm made for a site."""
    text = (RENDERED / f"{site}.yaml").read_text("utf-8")
    return [one for one in yaml.safe_load_all(text) if one is not None]


def of_kind(site: str, kind: str) -> Manifest:
    """The only one of a kind."""
    [found] = [one for one in manifests(site) if one["kind"] == kind]
    return found


def objections(schema: dict[str, Any], manifest: Manifest) -> list[str]:
    """What Kubernetes of this version would not take of an object."""
    kind = f"{manifest['apiVersion']}/{manifest['kind']}"
    whole = {"$defs": schema["$defs"], "$ref": f"#/$defs/{schema['kinds'][kind]}"}
    validator = jsonschema_rs.validator_for(whole)
    return [f"{list(one.instance_path)}: {one.message}" for one in validator.iter_errors(manifest)]


def containers(site: str) -> Iterator[Manifest]:
    """All of them, those that run first too."""
    pod = of_kind(site, "StatefulSet")["spec"]["template"]["spec"]
    yield from [*pod["initContainers"], *pod["containers"]]


def test_what_is_kept_is_what_helm_made_of_this_chart() -> None:
    kept = (RENDERED / DIGEST).read_text("utf-8").strip()
    assert kept == digest_of_chart(), "render it anew: HELM=… python -m tools.render_chart"
    assert {path.stem for path in RENDERED.glob("*.yaml")} == set(SITES)


@pytest.mark.parametrize("site", SITES)
def test_helm_makes_the_same_again(site: str) -> None:
    helm = find_helm()
    if helm is None:
        pytest.skip("no helm here; what it made is kept in deploy/helm/rendered")
    assert render(helm, site) == (RENDERED / f"{site}.yaml").read_text("utf-8")


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda path: path.stem)
@pytest.mark.parametrize("site", SITES)
def test_kubernetes_takes_every_object(site: str, schema: Any) -> None:
    known = json.loads(schema.read_text("utf-8"))
    found = {
        f"{one['kind']} {one['metadata']['name']}": objections(known, one)
        for one in manifests(site)
    }
    assert len(found) >= 5 and {name: said for name, said in found.items() if said} == {}


def test_schemas_refuse_what_is_wrong() -> None:
    known = json.loads(SCHEMAS[0].read_text("utf-8"))
    broken = of_kind("as-it-comes", "StatefulSet")
    broken["spec"]["template"]["spec"]["containers"][0]["livenessProbe"]["httpGet"]["port"] = []
    assert objections(known, broken)
    misspelt = of_kind("as-it-comes", "PodDisruptionBudget")
    misspelt["spec"]["maxUnavailabel"] = 1
    assert objections(known, misspelt)


def test_values_are_what_their_schema_says_and_others_are_refused() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    validator = jsonschema_rs.validator_for(schema)
    assert list(validator.iter_errors(values)) == []
    assert set(schema["properties"]) - {"global"} == set(values)
    for name, value in (("region", "4419"), ("replicas", 0), ("password", "x")):
        assert not validator.is_valid({**values, name: value})


@pytest.mark.parametrize("site", SITES)
def test_nothing_runs_as_root_or_writes_its_root(site: str) -> None:
    found = list(containers(site))
    assert len(found) == 2
    for container in found:
        security = container["securityContext"]
        assert security["runAsNonRoot"] is True and security["runAsUser"] == 65534
        assert security["readOnlyRootFilesystem"] is True
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]
    pod = of_kind(site, "StatefulSet")["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False and "hostNetwork" not in pod


@pytest.mark.parametrize("site", SITES)
def test_secrets_are_the_sites_and_never_the_charts(site: str) -> None:
    assert not [one for one in manifests(site) if one["kind"] == "Secret"]
    server = list(containers(site))[1]
    given = {one["name"]: one for one in server["env"]}
    for name in ("DATABASE_URL", "APP_DATABASE_URL", "REDIS_URL"):
        assert "secretKeyRef" in given[f"SETTLEMENT_{name}"]["valueFrom"]


@pytest.mark.parametrize("site", SITES)
def test_server_is_asked_where_it_answers_and_stops_without_refusing(site: str) -> None:
    spec = of_kind(site, "StatefulSet")["spec"]["template"]["spec"]
    server = spec["containers"][0]
    assert server["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert server["readinessProbe"]["httpGet"]["path"] == "/readyz"
    [_, seconds] = server["lifecycle"]["preStop"]["exec"]["command"]
    look = server["readinessProbe"]["periodSeconds"]
    drains = 15
    assert int(seconds) > look and spec["terminationGracePeriodSeconds"] > int(seconds) + drains


def test_there_is_a_server_left_while_one_is_exchanged() -> None:
    """A StatefulSet stops a server before it starts the one that follows."""
    assert of_kind("as-it-comes", "StatefulSet")["spec"]["replicas"] >= 2
    assert of_kind("as-it-comes", "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    assert of_kind("all-of-it", "HorizontalPodAutoscaler")["spec"]["minReplicas"] >= 2


def test_selectors_choose_the_pods_that_are_made() -> None:
    labels = of_kind("all-of-it", "StatefulSet")["spec"]["template"]["metadata"]["labels"]
    budget, policy = of_kind("all-of-it", "PodDisruptionBudget"), of_kind(
        "all-of-it", "NetworkPolicy"
    )
    chosen = [
        budget["spec"]["selector"]["matchLabels"], policy["spec"]["podSelector"]["matchLabels"],
        *(one["spec"]["selector"] for one in manifests("all-of-it") if one["kind"] == "Service"),
    ]  # fmt: skip
    assert len(chosen) == 4 and all(one.items() <= labels.items() for one in chosen)


def test_policy_lets_in_whom_the_site_names_and_nobody_else() -> None:
    assert "ingress" not in of_kind("as-it-comes", "NetworkPolicy")["spec"]
    assert of_kind("as-it-comes", "NetworkPolicy")["spec"]["policyTypes"] == ["Ingress", "Egress"]
    [rule] = of_kind("all-of-it", "NetworkPolicy")["spec"]["ingress"]
    assert rule["from"] and rule["ports"] == [{"protocol": "TCP", "port": 8080}]
    kinds = {one["kind"] for one in manifests("without-a-policy")}
    assert "NetworkPolicy" not in kinds


def test_autoscaler_and_adapter_name_the_same_metric_of_ours() -> None:
    scaler = of_kind("all-of-it", "HorizontalPodAutoscaler")["spec"]
    [metric] = scaler["metrics"]
    [rule] = yaml.safe_load((CHART / "files" / "prometheus-adapter.yaml").read_text("utf-8"))
    assert metric["pods"]["metric"]["name"] == rule["name"]["as"]
    assert metric["pods"]["target"]["averageValue"] == "80m"
    name = rule["seriesQuery"].partition("_bucket")[0]
    assert f"`{name}`" in (ROOT / "docs/reference/metrics.md").read_text("utf-8")
    assert "replicas" not in of_kind("all-of-it", "StatefulSet")["spec"], "the autoscaler's"
