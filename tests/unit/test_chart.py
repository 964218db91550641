"""The Helm chart: what helm made of it is what Kubernetes takes, and runs nothing as root.

`deploy/helm/rendered` was made by a real helm; where there is one, it is asked again. Schemas are
Kubernetes' own (deploy/helm/schemas). No cluster was asked.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema_rs
import pytest
import yaml

from settlement.variables import VARIABLES
from tests.tidy.tree import ROOT
from tools.render_chart import CHART, DIGEST, RENDERED, SITES, digest_of_chart, find_helm, render

SCHEMAS = sorted((ROOT / "deploy" / "helm" / "schemas").glob("*.json"))
Manifest = dict[str, Any]
NOBODY = 65534


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


def commands_of(site: str, folder: Path) -> str:
    """What the first container runs, with all that it names moved under a folder."""
    [script] = next(containers(site))["args"]
    return re.sub(r"(?<=[\s\"])/(?=given|keys|channels)", f"{folder}/", script)


@pytest.fixture
def volumes() -> Iterator[Path]:
    """A Secret as Kubernetes mounts it, and an empty place for keys, of a user who is not root."""
    with TemporaryDirectory(prefix="settlement-chart-") as name:
        folder = Path(name)
        for one in ("given", "channels", "keys"):
            (folder / one).mkdir()
        for one in ("given/keys.json", "channels/channels.toml"):
            (folder / one).touch(mode=0o440)
        if os.geteuid() == 0:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, NOBODY, NOBODY)
        yield folder


@pytest.mark.parametrize("site", SITES)
def test_keys_are_copied_again_where_the_container_runs_again(site: str, volumes: Path) -> None:
    """Kubernetes starts it once more on the same volume, as where a node was restarted."""
    who = NOBODY if os.geteuid() == 0 else None
    for _ in range(2):
        subprocess.run(["/bin/sh", "-ec", commands_of(site, volumes)], user=who, check=True)
        [*copied] = (path for path in (volumes / "keys").rglob("*") if path.is_file())
        assert len(copied) == (2 if site == "all-of-it" else 1)
        assert all(path.stat().st_mode & 0o077 == 0 for path in copied)


def test_readme_installs_with_words_that_helm_takes() -> None:
    """`--set` makes a number of what looks like one, and the schema wants a code."""
    text = (ROOT / "deploy/helm/README.md").read_text("utf-8")
    [line] = [line for line in text.splitlines() if line.startswith("    helm install")]
    assert re.search(r"--set-string region=\d{6} ", line)
    assert "--set region" not in text
    server = list(containers("all-of-it"))[1]
    assert {"name": "SETTLEMENT_REGION", "value": "442000"} in server["env"]


def test_region_may_bring_a_profile_and_variables_that_nobody_else_sets() -> None:
    server = list(containers("all-of-it"))[1]
    given = {one["name"]: one.get("value") for one in server["env"]}
    assert len(given) == len(server["env"])
    assert given["SETTLEMENT_PROFILE"] == "/profile/442000.toml"
    assert given["SETTLEMENT_KEEP_YEARS"] == "40"
    assert {"name": "profile", "mountPath": "/profile", "readOnly": True} in server["volumeMounts"]
    pod = of_kind("all-of-it", "StatefulSet")["spec"]["template"]["spec"]
    assert {"name": "profile", "configMap": {"name": "profile"}} in pod["volumes"]
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    takes = jsonschema_rs.validator_for(schema["properties"]["extraEnv"]).is_valid
    others = {name for name in VARIABLES if takes({name: "x"})}
    secret = {name for name, variable in VARIABLES.items() if variable.is_secret}
    assert set(VARIABLES) - others == secret | set(given) - {"SETTLEMENT_KEEP_YEARS"}
    assert not takes({"PGPASSWORD": "x"}) and not takes({"SETTLEMENT_KEEP_YEARS": 40})


def test_prometheus_is_given_the_job_that_alerts_ask_for() -> None:
    [job] = yaml.safe_load((CHART / "files" / "prometheus-scrape.yaml").read_text("utf-8"))
    alerts = (ROOT / "deploy/observability/alerts.yml").read_text("utf-8")
    assert set(re.findall(r'job="([^"]+)"', alerts)) == {job["job_name"]}
    template = of_kind("as-it-comes", "StatefulSet")["spec"]["template"]
    kept = {tuple(one["source_labels"]): one["regex"] for one in job["relabel_configs"][:2]}
    label, port = "app.kubernetes.io/name", template["spec"]["containers"][0]["ports"][0]["name"]
    assert kept == {
        (f"__meta_kubernetes_pod_label_{re.sub(r'[./]', '_', label)}",):
            template["metadata"]["labels"][label],
        ("__meta_kubernetes_pod_container_port_name",): port,
    }  # fmt: skip
    told = {one["target_label"] for one in job["relabel_configs"][2:]}
    adapter = (CHART / "files" / "prometheus-adapter.yaml").read_text("utf-8")
    assert told == {"instance", *re.findall(r'(\w+)!=""', adapter)}
    assert "annotations" not in template["metadata"], "another job would count all of it twice"


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
