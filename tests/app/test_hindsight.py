"""Forecasts of datasets are compared with what comes, through the service as its callers see it."""

from collections.abc import Iterator
from dataclasses import replace

import httpx
import numpy as np
import pytest
import sqlalchemy as sa

from app.stores.database import Database
from app.stores.references import PRODUCTION
from app.stores.tables import RealisedRow, RememberedRow
from tests.app.conftest import Client, serve
from tests.app.test_server import SERIES, VALUES

START = np.datetime64("2026-01-01T00:00", "h")


@pytest.fixture
def client(settings, registry, checkpoint) -> Iterator[Client]:
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    with serve(settings) as client:
        yield client


@pytest.fixture
def dataset(client) -> str:
    return client.post("/v1/datasets", json={"series": [SERIES]}).headers["location"]


def ask(client: Client, dataset: str, steps: int = 4, **fields: object) -> dict:
    body = {"model": "m", "series": [{"dataset": dataset.rpartition("/")[2]}], "horizon": {"steps": steps}} | fields
    response = client.post("/v1/forecasts", json=body)
    assert response.status_code == 200, response.text
    return response.json()["forecasts"][0]


def append(client: Client, dataset: str, values: list[float | None], first: int = len(VALUES)) -> httpx.Response:
    start = f"{START + np.timedelta64(first, 'h')}:00:00Z"
    body = {"series": [{"item_id": "a", "start": start, "freq": "h", "target": values}]}
    return client.post(f"{dataset}/observations", json=body)


def realised(client: Client) -> dict | None:
    return client.get("/v1/models/m/versions/1").json()["realised"]


def test_what_comes_is_compared_with_what_was_forecast(client, dataset):
    assert realised(client) is None
    forecast = ask(client, dataset)
    truth = [forecast["mean"][0], forecast["mean"][1] + 100.0, forecast["quantiles"]["0.1"][2]]
    append(client, dataset, truth)
    found = realised(client)
    assert found["num_scored"] == 3
    assert found["mean_absolute_error"] == pytest.approx(np.abs(np.array(truth) - forecast["mean"][:3]).mean())
    assert found["relative_error"] == pytest.approx(found["mean_absolute_error"] * 3 / np.abs(truth).sum())
    inside = [low <= one <= high for one, low, high in zip(truth, *forecast["intervals"]["80"].values(), strict=False)]
    by_level = {(one["kind"], one["level"]): one for one in found["coverage"]}
    assert by_level["interval", 80]["nominal"] == 0.8
    assert by_level["interval", 80]["realised"] == pytest.approx(np.mean(inside))
    assert {("quantile", 0.1), ("quantile", 0.5), ("quantile", 0.9)} <= by_level.keys()
    assert client.get("/v1/models/m/versions").json()["data"][0]["realised"] == found


def test_an_observation_posted_twice_and_a_forecast_asked_twice_count_once(client, dataset):
    for steps in (3, 4, 3):
        ask(client, dataset, steps)
    append(client, dataset, [10.0, 11.0])
    once = realised(client)
    append(client, dataset, [10.0, 11.0])
    assert realised(client) == once
    assert once["num_scored"] == 2
    append(client, dataset, [10.0, 11.0, None, 12.0])
    assert realised(client)["num_scored"] == 3


def test_a_refused_revision_of_an_observation_changes_no_statistic(client, dataset):
    ask(client, dataset)
    append(client, dataset, [10.0])
    once = realised(client)
    assert append(client, dataset, [99.0]).status_code == 409
    assert realised(client) == once


def test_a_forecast_made_after_each_append_is_compared_with_what_follows(client, dataset):
    for number in range(3):
        ask(client, dataset, 2)
        append(client, dataset, [10.0], len(VALUES) + number)
    # The first and second forecast of two hours each, and one hour of the third.
    assert realised(client)["num_scored"] == 1 + 2 + 2


def test_what_was_sent_along_is_not_remembered(client, dataset, database):
    client.post("/v1/forecasts", json={"model": "m", "series": [SERIES], "horizon": {"steps": 3}})
    append(client, dataset, [10.0, 11.0, 12.0])
    assert realised(client) is None
    assert num_remembered(database) == 0


def test_forecasts_outlive_the_process_that_made_them(settings, registry, checkpoint):
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    with serve(settings) as client:
        dataset = client.post("/v1/datasets", json={"series": [SERIES]}).headers["location"]
        ask(client, dataset)
    with serve(settings) as client:
        append(client, dataset, [10.0, 11.0])
        assert realised(client)["num_scored"] == 2


def test_a_version_whose_intervals_cover_too_little_has_drifted_and_says_so_everywhere(client, dataset):
    assert client.get("/v1/models").json()["data"][0]["drifted_versions"] == []
    ask(client, dataset, 120)
    append(client, dataset, [1000.0] * 99)
    assert not realised(client)["has_drifted"]
    append(client, dataset, [1000.0], len(VALUES) + 99)
    assert realised(client)["has_drifted"]
    for path in ("/v1/models", "/v1/models/m"):
        shown = client.get(path).json()
        assert (shown["data"][0] if "data" in shown else shown)["drifted_versions"] == [1]
    metrics = client.get("/metrics").text
    assert 'longshot_realised_drifted{model="m",version="1"} 1.0' in metrics
    assert 'longshot_realised_coverage{kind="interval",level="80",model="m",version="1"} 0.0' in metrics
    assert 'longshot_realised_points{model="m",version="1"} 100.0' in metrics


def test_no_more_is_remembered_than_allowed_and_the_oldest_goes_first(settings, registry, checkpoint, database):
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    with serve(replace(settings, max_remembered_values=40)) as client:
        first, second = (
            client.post("/v1/datasets", json={"series": [SERIES | {"item_id": one}]}).headers["location"]
            for one in "ab"
        )
        for dataset in (first, second):
            # Eight timestamps, each with a mean and three quantiles, among them the ends of the usual interval.
            ask(client, dataset, 8)
            client.application.state.resources.hindsight.write()
        with database.reading() as session:
            assert session.scalars(sa.select(RememberedRow.item_id)).all() == ["b"]
    with serve(replace(settings, max_remembered_values=0)) as client:
        ask(client, first)
        client.application.state.resources.hindsight.write()
        assert num_remembered(database) == 1


def test_a_forecast_whose_observations_have_come_is_forgotten(client, dataset, database):
    ask(client, dataset, 2)
    append(client, dataset, [10.0, 11.0, 12.0])
    assert realised(client)["num_scored"] == 2
    assert num_remembered(database) == 0


def test_what_is_deleted_takes_its_forecasts_along(client, dataset, database, registry, other_checkpoint):
    registry.register("m", other_checkpoint)
    ask(client, dataset, model="m/2")
    append(client, dataset, [10.0])
    assert num_remembered(database) == 1
    client.delete("/v1/models/m/versions/2")
    assert num_remembered(database) == 0
    with database.reading() as session:
        assert session.scalars(sa.select(RealisedRow)).all() == []
    ask(client, dataset)
    client.delete(dataset)
    assert num_remembered(database) == 0


def num_remembered(database: Database) -> int:
    with database.reading() as session:
        return len(session.scalars(sa.select(RememberedRow.sequence)).all())
