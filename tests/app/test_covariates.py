"""Covariates over HTTP, in tables and on the command line: kept with a dataset, learned, asked for, missed by name."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from app.cli import main
from app.settings import Settings
from app.stores.datasets import Datasets
from app.stores.panel_files import read_panel_file, write_panel
from app.stores.references import PRODUCTION
from app.stores.registry import Registry
from app.training import TrainingPlan, train
from model import Checkpoint, Panel, RawCovariates, Series, choose_config, fit
from tests.app.conftest import TINY, Client, serve

LENGTH, AHEAD = 120, 8
NAMED = "past_covariates=weather&future_covariates=promo&static_covariates=site,size"


def table() -> pd.DataFrame:
    """Two series in long form; the last rows of each are what is known of the future."""
    random = np.random.default_rng(0)
    hours = pd.date_range("2026-01-01", periods=LENGTH + AHEAD, freq="h", tz="UTC")
    parts = []
    for number, site in enumerate(("north", "south")):
        promo = (random.random(len(hours)) < 0.3).astype(float)
        target = np.round(10 + number + np.sin(np.arange(len(hours)) / 4) + promo, 3)
        target[LENGTH:] = np.nan
        weather = np.where(np.isnan(target), np.nan, np.round(random.normal(size=len(hours)), 3))
        columns = {"item_id": f"item-{number}", "timestamp": hours, "target": target, "weather": weather}
        parts.append(pd.DataFrame({**columns, "promo": promo, "site": site, "size": 5 + number}))
    return pd.concat(parts, ignore_index=True)


def panel() -> Panel:
    return Panel.from_frame(
        table(), past_covariates=["weather"], future_covariates=["promo"], static_covariates=["site", "size"]
    )


def in_json() -> list[dict]:
    """The same series as JSON has them, the future beside the timestamps to be asked."""
    found = []
    for name, rows in table().groupby("item_id"):
        past, future = rows[:LENGTH], rows[LENGTH:]
        found.append(
            {
                "item_id": name,
                "timestamps": [one.isoformat() for one in past["timestamp"]],
                "target": past["target"].tolist(),
                "past_covariates": {"weather": past["weather"].tolist(), "promo": past["promo"].tolist()},
                "future_covariates": {"promo": future["promo"].tolist()},
                "static_covariates": {"site": past["site"].iloc[0], "size": int(past["size"].iloc[0])},
            }
        )
    return found


@pytest.fixture(scope="session")
def aware() -> Checkpoint:
    return fit(panel(), choose_config(panel(), TINY))


@pytest.fixture
def client(settings: Settings, registry: Registry, aware: Checkpoint) -> Iterator[Client]:
    registry.register("m", aware)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    with serve(settings) as client:
        yield client


def ask(client: Client, **fields: object):
    body = {"model": "m", "series": in_json(), "horizon": {"steps": AHEAD}, "quantile_levels": [0.5], **fields}
    return client.post("/v1/forecasts", json=body)


def means(answer) -> list[list[float]]:
    assert answer.status_code == 200, answer.text
    return [one["mean"] for one in answer.json()["forecasts"]]


def test_json_tables_and_a_dataset_with_the_same_covariates_give_the_same_forecast(client):
    expected = means(ask(client))
    warnings = {warning["code"] for one in ask(client).json()["forecasts"] for warning in one["warnings"]}
    assert warnings.isdisjoint({"covariate_unused", "covariate_unseen"})
    by_csv = client.post(
        f"/v1/forecasts?model=m&horizon={AHEAD}&{NAMED}",
        content=table().to_csv(index=False).encode(),
        headers={"content-type": "text/csv"},
    )
    assert means(by_csv) == expected
    file = io.BytesIO()
    pa.parquet.write_table(pa.Table.from_pandas(table(), preserve_index=False), file)
    uploaded = client.post(
        f"/v1/datasets?{NAMED}", content=file.getvalue(), headers={"content-type": "application/vnd.apache.parquet"}
    )
    assert uploaded.status_code == 201, uploaded.text
    sent_as_json = client.post("/v1/datasets", json={"series": in_json()})
    assert sent_as_json.json()["id"] == uploaded.json()["id"]
    assert means(ask(client, series=[{"dataset": uploaded.json()["id"]}])) == expected


def test_what_is_sent_for_the_future_of_a_dataset_counts(client):
    dataset = client.post("/v1/datasets", json={"series": in_json()}).json()["id"]
    by_id = {"dataset": dataset, "item_id": "item-0"}
    (stored,) = means(ask(client, series=[by_id]))
    (same,) = means(ask(client, series=[by_id | {"future_covariates": in_json()[0]["future_covariates"]}]))
    (other,) = means(ask(client, series=[by_id | {"future_covariates": {"promo": [9.0] * AHEAD}}]))
    assert same == stored
    assert other != stored


@pytest.mark.parametrize("name", ["weather", "promo", "site", "size"])
def test_a_missing_covariate_is_a_problem_that_names_it(client, name):
    series = in_json()
    for kind in ("past_covariates", "future_covariates", "static_covariates"):
        series[0][kind].pop(name, None)
    refused = ask(client, series=series)
    assert refused.status_code == 422
    assert refused.json()["code"] == "covariate_missing"
    assert repr(name) in refused.json()["detail"]
    alone = ask(client, series=series, on_error="partial").json()["forecasts"]
    assert [one["status"] for one in alone] == ["failed", "ok"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"future_covariates": {"promo": [1.0] * 3}}, "covariate_length_mismatch"),
        ({"past_covariates": {"weather": [1.0], "promo": [1.0] * LENGTH}}, "covariate_length_mismatch"),
    ],
)
def test_a_covariate_has_a_value_for_each_timestamp(client, change, code):
    refused = ask(client, series=[in_json()[0] | change])
    assert (refused.status_code, refused.json()["code"]) == (422, code)


def test_a_cell_that_is_no_number_and_a_column_that_is_not_there_are_named(client):
    frame = table()
    frame["weather"] = frame["weather"].astype(object)
    frame.loc[3, "weather"] = "warm"
    headers = {"content-type": "text/csv"}
    refused = client.post(f"/v1/datasets?{NAMED}", content=frame.to_csv(index=False).encode(), headers=headers)
    assert refused.json()["code"] == "cell_invalid"
    assert "Line 5, column 'weather'" in refused.json()["detail"]
    for query, code in (("past_covariates=wind", "column_missing"), ("past_covariates=target", "column_taken")):
        refused = client.post(f"/v1/datasets?{query}", content=table().to_csv(index=False).encode(), headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (422, code)


def test_what_is_read_back_of_a_dataset_is_a_series_with_its_covariates(client):
    dataset = client.post("/v1/datasets", json={"series": in_json()}).json()["id"]
    found = client.get(f"/v1/datasets/{dataset}/observations?item_id=item-1").json()
    again = client.post("/v1/datasets", json={"series": [found]}).json()
    alone = client.post("/v1/datasets", json={"series": [in_json()[1]]}).json()
    assert again["digest"] == alone["digest"]


def test_anomalies_are_judged_with_the_covariates_of_the_dataset(client):
    dataset = client.post("/v1/datasets", json={"series": in_json()}).json()["id"]
    judged = client.post("/v1/anomalies", json={"model": "m", "series": [{"dataset": dataset}], "last": 4})
    assert judged.status_code == 200, judged.text
    series = in_json()
    series[0]["past_covariates"].pop("weather")
    refused = client.post("/v1/anomalies", json={"model": "m", "series": series, "last": 4, "on_error": "partial"})
    assert [one["status"] for one in refused.json()["anomalies"]] == ["failed", "ok"]


def test_later_covariates_are_appended_and_contradictions_are_refused(client):
    dataset = client.post("/v1/datasets", json={"series": in_json()}).json()["id"]
    series = in_json()[0]
    times = pd.date_range("2026-01-06", periods=2, freq="h", tz="UTC")
    more = {
        "item_id": series["item_id"],
        "timestamps": [one.isoformat() for one in times],
        "target": [11.0, None],
        "past_covariates": {"weather": [0.5, None], "promo": [1.0, 1.0]},
        "future_covariates": {"promo": []},
    }
    path = f"/v1/datasets/{dataset}/observations"
    appended = client.post(path, json={"series": [more]})
    assert appended.json()["num_added"] == 1
    assert client.post(path, json={"series": [more]}).json()["revision"] == appended.json()["revision"]
    more["past_covariates"]["weather"] = [0.75, None]
    refused = client.post(path, json={"series": [more]})
    assert (refused.status_code, refused.json()["code"]) == (422, "covariate_invalid")


def test_the_service_is_ready_with_a_version_that_uses_covariates(client):
    assert client.get("/readyz").status_code == 200


def test_a_panel_file_gives_back_what_was_written(tmp_path: Path):
    extra = Series.from_grid("bare", "2026-01-01", "D", [1, None, 3], covariates=RawCovariates(static={"size": "tall"}))
    whole = Panel((*panel(), extra))
    write_panel(whole, tmp_path / "panel.parquet")
    found = read_panel_file(tmp_path / "panel.parquet")
    assert found.digest() == whole.digest()
    assert found.series[0].covariates.static == {"site": "north", "size": 5.0}


def test_a_training_reports_on_what_was_held_back_and_replaces_a_version_that_knew_less(
    registry: Registry, datasets: Datasets, checkpoint: Checkpoint
):
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    stored = datasets.panel(datasets.add(panel()).id)
    outcome = train(registry, stored, TrainingPlan("m", "test", TINY))
    assert outcome.version.config.covariates.names == ("weather", "promo", "size", "site")
    assert outcome.version.report is not None


def test_the_command_line_names_the_columns(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setenv("LONGSHOT_HOME", str(tmp_path / "home"))
    file = tmp_path / "table.csv"
    table().to_csv(file, index=False)
    named = ["--past-covariate", "weather", "--future-covariate", "promo", "--static-covariate", "site"]
    sizes = ["--horizon", "6", "--context-length", "24", "--state-size", "4", "--num-particles", "2", "--epochs", "1"]

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["longshot", *words])
        with pytest.raises(SystemExit) as caught:
            main()
        return int(caught.value.code or 0), *capsys.readouterr()

    code, out, _ = run("train", str(file), "-m", "m", *named, *sizes, "--steps-per-epoch", "2", "--json")
    assert code == 0
    assert json.loads(out)["configuration"]["covariates"]["future"][0]["name"] == "promo"
    code, out, _ = run("forecast", str(file), "-m", "m", "--horizon", str(AHEAD), *named)
    assert (code, len(out.splitlines())) == (0, 1 + 2 * AHEAD)
    code, _, err = run("forecast", str(file), "-m", "m", "--horizon", str(AHEAD), *named[:4])
    assert code != 0
    assert "'site'" in err
    assert run("backtest", str(file), "-m", "m", *named)[0] == 0
