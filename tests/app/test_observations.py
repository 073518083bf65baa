"""What a dataset holds is read back, whole or up to a cutoff."""

from collections.abc import Iterator

import numpy as np
import pytest

from app.stores.references import PRODUCTION
from tests.app.conftest import Client, make_panel, serve


@pytest.fixture
def client(settings, registry, checkpoint) -> Iterator[Client]:
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    with serve(settings) as client:
        yield client


@pytest.fixture
def dataset(datasets) -> str:
    return datasets.add(make_panel(num_items=5)).id


def ask(client: Client, series: dict, **horizon: object) -> dict:
    answer = client.post("/v1/forecasts", json={"model": "m", "series": [series], "horizon": horizon or {"steps": 3}})
    assert answer.status_code == 200, answer.text
    return answer.json()["forecasts"]


def test_the_observations_of_a_series_are_a_series_that_requests_take(client, dataset):
    read = client.get(f"/v1/datasets/{dataset}/observations?item_id=item-1").json()
    covariates = {f"{kind}_covariates" for kind in ("past", "future", "static")}
    assert set(read) == {"item_id", "freq", "timestamps", "target"} | covariates
    assert read["timestamps"][:2] == ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"]
    assert ask(client, read) == ask(client, {"dataset": dataset, "item_id": "item-1"})


def test_a_forecast_before_a_cutoff_is_that_of_the_observations_until_then(client, dataset):
    read = client.get(f"/v1/datasets/{dataset}/observations?item_id=item-1").json()
    until = 100
    cut = read | {"timestamps": read["timestamps"][:until], "target": read["target"][:until]}
    for cutoff in (read["timestamps"][until - 1], "2026-01-05T03:30:00", "2026-01-05T04:30:00+01:00"):
        assert ask(client, {"dataset": dataset, "item_id": "item-1", "cutoff": cutoff}) == ask(client, cut)


@pytest.mark.parametrize(
    ("series", "code"),
    [
        ({"dataset": "DATASET", "cutoff": "soon"}, "date_invalid"),
        ({"dataset": "DATASET", "cutoff": "2025-01-01"}, "series_too_short"),
        ({"start": "2026-01-01", "freq": "h", "target": [1, 2], "cutoff": "2026-01-01"}, "request_invalid"),
    ],
)
def test_a_cutoff_that_leaves_nothing_is_refused(client, dataset, series, code):
    sent = {name: dataset if value == "DATASET" else value for name, value in series.items()}
    answer = client.post("/v1/forecasts", json={"model": "m", "series": [sent], "horizon": {"steps": 3}})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_the_series_of_a_dataset_are_listed_in_parts_and_found_by_name(client, dataset):
    first = client.get(f"/v1/datasets/{dataset}/series?limit=3").json()
    second = client.get(f"/v1/datasets/{dataset}/series?limit=3&cursor={first['next_cursor']}").json()
    assert [one["item_id"] for one in first["data"] + second["data"]] == [f"item-{number}" for number in range(5)]
    assert (first["num_series"], second["next_cursor"]) == (5, None)
    (found,) = client.get(f"/v1/datasets/{dataset}/series?contains=ITEM-4").json()["data"]
    assert (found["item_id"], found["freq"], found["time_zone"]) == ("item-4", "h", "UTC")
    assert (found["num_observations"], found["first"], found["last"]) == (
        160,
        "2026-01-01T00:00:00Z",
        "2026-01-07T15:00:00Z",
    )


@pytest.mark.parametrize("most", [0, 1, 7, 40, 400])
def test_a_preview_is_short_and_keeps_the_extremes(client, dataset, most):
    values = make_panel(num_items=5).series[0].values
    shown = client.get(f"/v1/datasets/{dataset}/series?limit=1&preview={most}").json()["data"][0]["preview"]
    assert len(shown) <= most
    if most >= 40:
        assert (min(shown), max(shown)) == pytest.approx((np.min(values), np.max(values)))


def test_what_is_not_there_is_a_404(client, dataset):
    for path, code in (
        ("/v1/datasets/none/series", "dataset_not_found"),
        ("/v1/datasets/none/observations?item_id=a", "dataset_not_found"),
        (f"/v1/datasets/{dataset}/observations?item_id=none", "item_not_found"),
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, code)
    assert client.get(f"/v1/datasets/{dataset}/series?cursor=x").json()["code"] == "cursor_invalid"
