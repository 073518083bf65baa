"""Sample paths over HTTP: in JSON and in tables, within the limits, the same for the same seed."""

import io
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd
import pytest

from app.settings import Settings
from app.stores.references import PRODUCTION
from app.stores.registry import Registry
from model import Checkpoint
from tests.app.conftest import Client, serve

SERIES = {"item_id": "a", "start": "2026-01-01T00:00:00Z", "freq": "h", "target": [float(n % 24) for n in range(60)]}
CSV = "timestamp,target\n" + "\n".join(f"2026-01-{1 + n // 24:02}T{n % 24:02}:00:00Z,{n % 24}" for n in range(60))


@pytest.fixture
def client(settings: Settings, registry: Registry, checkpoint: Checkpoint) -> Iterator[Client]:
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    with serve(replace(settings, max_forecast_values=2000)) as client:
        yield client


def ask(client: Client, **fields: object):
    body = {"model": "m", "series": [SERIES], "horizon": {"steps": 5}, "num_samples": 4, "seed": 7, **fields}
    return client.post("/v1/forecasts", json=body)


def test_paths_are_sent_when_they_are_asked_for_and_repeat_with_their_seed(client):
    (forecast,) = ask(client).json()["forecasts"]
    assert [len(path) for path in forecast["samples"]] == [5] * 4
    assert ask(client).json()["forecasts"][0]["samples"] == forecast["samples"]
    assert ask(client, seed=8).json()["forecasts"][0]["samples"] != forecast["samples"]
    assert "samples" not in ask(client, num_samples=0).json()["forecasts"][0]


def test_paths_are_columns_of_a_table(client):
    answer = client.post(
        "/v1/forecasts?model=m&horizon=5&num_samples=2&seed=7",
        content=CSV.encode(),
        headers={"content-type": "text/csv", "accept": "text/csv"},
    )
    table = pd.read_csv(io.BytesIO(answer.content))
    assert list(table.columns[-3:]) == ["sample_1", "sample_2", "warnings"]
    assert table["sample_1"].notna().all()


def test_paths_count_among_the_values_that_one_answer_may_have(client):
    refused = ask(client, num_samples=500)
    assert (refused.status_code, refused.json()["code"]) == (413, "limit_exceeded")
    assert "sample paths" in refused.json()["detail"]


@pytest.mark.parametrize("fields", [{"num_samples": -1}, {"num_samples": 10_001}, {"seed": -1}])
def test_a_number_of_paths_and_a_seed_have_a_range(client, fields):
    assert ask(client, **fields).status_code == 422
