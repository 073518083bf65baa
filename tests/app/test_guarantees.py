"""What docs/api.md promises about answers, where no test of a single part already says it."""

from collections.abc import Iterator

import pytest

from app.references import PRODUCTION
from tests.app.conftest import Client, serve
from tests.app.test_server import SERIES, ask


@pytest.fixture
def client(settings, registry, checkpoint) -> Iterator[Client]:
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    with serve(settings) as client:
        yield client


def test_a_lead_past_the_calibrated_ones_is_a_warning(client):
    near, far = (ask(client, horizon={"steps": steps}).json()["forecasts"][0] for steps in (3, 300))
    assert "past_calibrated_lead" not in {one["code"] for one in near["warnings"]}
    assert "past_calibrated_lead" in {one["code"] for one in far["warnings"]}


def test_an_etag_changes_with_what_it_is_of(client, registry, other_checkpoint):
    registry.register("m", other_checkpoint)
    versions = [client.get(f"/v1/models/m/versions/{number}").headers["etag"] for number in (1, 1, 2)]
    assert versions[0] == versions[1] != versions[2]
    dataset = client.post("/v1/datasets", json={"series": [SERIES]})
    more = {"series": [{"item_id": "a", "timestamps": ["2026-01-03T12:00:00Z"], "target": [1.5]}]}
    appended = client.post(f"{dataset.headers['location']}/observations", json=more)
    shown = client.get(dataset.headers["location"]).headers["etag"]
    assert dataset.headers["etag"] != appended.headers["etag"] == shown
