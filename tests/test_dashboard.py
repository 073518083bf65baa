"""What Grafana and Prometheus are told to read is what the service exposes, in files that are there."""

import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.forecasting import LoadedVersions
from app.jobs.census import JobCensus, JobCount
from app.routes.collectors import JobStates, Loaded, Realised
from app.routes.metrics import Metrics
from app.stores.database import now
from app.stores.track_records import Coverage, TrackRecord

DOCKER = Path(__file__).resolve().parent.parent / "docker"
DASHBOARD = json.loads((DOCKER / "grafana" / "longshot.json").read_text(encoding="utf-8"))
PANELS = [(panel["title"], target) for panel in DASHBOARD["panels"] for target in panel["targets"]]
ALERTS = re.findall(r"expr: (.*)", (DOCKER / "grafana" / "alerts.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def exposed() -> dict[str, set[str]]:
    """The labels of each sample that there can be, by its name."""
    coverage = Coverage("interval", 80.0, 0.8, 100, 0.5)
    record = TrackRecord("m", 1, now().date(), 100, 1.0, None, (coverage,), has_drifted=True)
    census = JobCensus([JobCount("train", "queued", 1, 60.0)], 5)
    metrics = Metrics([Realised(lambda: [record]), Loaded(LoadedVersions(0)), JobStates(lambda: census)])
    metrics.requests.labels("GET", "/livez", 200).inc()
    metrics.seconds.labels("/livez").observe(0.1)
    families = text_string_to_metric_families(metrics.expose().decode())
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


@pytest.mark.parametrize("expression", [target["expr"] for _, target in PANELS] + ALERTS)
def test_what_is_plotted_or_alerted_on_is_exposed(expression, exposed):
    named = set(re.findall(r"\blongshot_\w+", expression))
    assert named
    assert named <= exposed.keys()
    labels = set(re.findall(r"[{,]\s*(\w+)\s*=~?", expression))
    labels |= {one.strip() for by in re.findall(r"by \(([^)]*)\)", expression) for one in by.split(",")}
    assert labels <= set.union(*(exposed[one] for one in named))


@pytest.mark.parametrize(("title", "target"), PANELS)
def test_a_legend_names_labels_that_are_left(title, target):
    legend = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
    kept = re.search(r"by \(([^)]*)\)", target["expr"])
    assert kept is None or legend <= {one.strip() for one in kept[1].split(",")}, title


def test_every_metric_of_the_service_is_plotted(exposed):
    plotted = re.findall(r"\blongshot_\w+", " ".join(target["expr"] for _, target in PANELS))
    assert {family_of(name) for name in exposed} == {family_of(name) for name in plotted}


def family_of(sample: str) -> str:
    return re.sub(r"_(bucket|sum|count|created|total)$", "", sample)


def test_the_files_that_compose_mounts_are_there():
    mounted = re.findall(r"- (\./\S+?):", (DOCKER / "compose.yaml").read_text(encoding="utf-8"))
    assert len(mounted) == 5
    assert all((DOCKER / one).is_file() for one in mounted)
