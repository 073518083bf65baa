"""Versions of one system: trained, asked, backtested and asked for anomalies over HTTP and on the command line."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.cli import main
from app.settings import Settings
from app.stores.datasets import Datasets
from app.stores.references import PRODUCTION
from app.stores.registry import Registry
from app.training import TrainingPlan, train
from model import Checkpoint, Panel, choose_config, fit
from tests.app.conftest import TINY, Client, make_panel, serve

JOINT = replace(TINY, joint=True)
STEPS = 8


def in_json(panel: Panel) -> list[dict]:
    return [
        {"item_id": one.item_id, "start": "2026-01-01T00:00:00Z", "freq": "h", "target": one.values.tolist()}
        for one in panel
    ]


@pytest.fixture(scope="session")
def together() -> Checkpoint:
    return fit(make_panel(3), choose_config(make_panel(3), JOINT))


@pytest.fixture
def client(settings: Settings, registry: Registry, together: Checkpoint) -> Iterator[Client]:
    registry.register("m", together)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    with serve(settings) as client:
        yield client


def ask(client: Client, series: list[dict], **fields: object):
    body = {"model": "m", "series": series, "horizon": {"steps": STEPS}, "quantile_levels": [0.5], **fields}
    return client.post("/v1/forecasts", json=body)


def means(answer) -> dict[str, list[float]]:
    assert answer.status_code == 200, answer.text
    return {one["item_id"]: one["mean"] for one in answer.json()["forecasts"]}


def test_a_request_shows_all_channels_in_any_order(client):
    series = in_json(make_panel(3))
    first = means(ask(client, series))
    assert means(ask(client, series[::-1])) == first
    moved = series[0] | {"target": [100 + 3 * one for one in series[0]["target"]]}
    second = means(ask(client, [moved, *series[1:]]))
    assert np.allclose(second["item-0"], 100 + 3 * np.array(first["item-0"]), atol=1e-3)
    assert np.allclose(second["item-1"], first["item-1"], atol=1e-3)
    dataset = client.post("/v1/datasets", json={"series": series}).json()["id"]
    assert means(ask(client, [{"dataset": dataset}])) == first


def test_a_missing_channel_is_a_problem_that_names_it_and_fails_all_the_others(client):
    series = in_json(make_panel(3))[:2]
    refused = ask(client, series)
    assert (refused.status_code, refused.json()["code"]) == (422, "channel_missing")
    assert refused.json()["item_id"] == "item-2"
    partial = ask(client, series, on_error="partial").json()["forecasts"]
    assert [one["problem"]["code"] for one in partial] == ["channel_missing"] * 2


def test_a_series_that_is_no_channel_fails_alone_where_that_was_asked(client):
    series = in_json(make_panel(4))
    refused = ask(client, series)
    assert (refused.status_code, refused.json()["code"], refused.json()["item_id"]) == (
        422,
        "channel_unknown",
        "item-3",
    )
    partial = ask(client, series, on_error="partial").json()["forecasts"]
    assert [one["status"] for one in partial] == ["ok", "ok", "ok", "failed"]


def test_anomalies_are_judged_with_all_channels(client):
    series = in_json(make_panel(3))
    judged = client.post("/v1/anomalies", json={"model": "m", "series": series, "last": 4})
    assert judged.status_code == 200, judged.text
    assert [len(one["value"]) for one in judged.json()["anomalies"]] == [4, 4, 4]
    body = {"model": "m", "series": series[:2], "last": 4}
    assert client.post("/v1/anomalies", json=body).json()["code"] == "channel_missing"
    partial = client.post("/v1/anomalies", json=body | {"on_error": "partial"}).json()["anomalies"]
    assert [one["status"] for one in partial] == ["failed", "failed"]


def test_a_backtest_that_lacks_a_channel_is_refused_before_it_is_queued(client):
    for number, status in ((3, 202), (2, 422)):
        dataset = client.post("/v1/datasets", json={"series": in_json(make_panel(number))}).json()["id"]
        answer = client.post("/v1/backtests", json={"model": "m", "dataset": dataset})
        assert answer.status_code == status, answer.text
    assert answer.json()["code"] == "channel_missing"


def test_the_service_is_ready_with_a_version_of_a_system(client):
    assert client.get("/readyz").status_code == 200


def test_a_training_is_asked_for_with_one_word_and_refused_beside_the_calendar(client):
    body = {"model": "n", "series": in_json(make_panel(2)), "options": {"joint": True, "horizon": 6}}
    answer = client.post("/v1/training-jobs", json=body)
    assert answer.status_code == 202, answer.text
    assert answer.json()["options"]["joint"] is True
    body["options"]["calendar"] = True
    refused = client.post("/v1/training-jobs", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "configuration_invalid")


def test_a_training_holds_back_the_end_of_all_channels_and_reports_on_it(registry: Registry, datasets: Datasets):
    first, second, third = make_panel(3)
    lame = Panel((first.until(first.timestamps[-4]), second, third))
    version = train(registry, lame, TrainingPlan("m", "test", JOINT)).version
    assert version.config.channels == ("item-0", "item-1", "item-2")
    assert version.report is not None
    assert not version.report.overlaps_training
    assert version.report.num_forecasts == 3
    later = train(registry, make_panel(3), TrainingPlan("m", "test", replace(TINY, warm_start="m/1"))).version
    assert later.config.channels == version.config.channels


def test_the_command_line_trains_a_system_and_asks_it(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setenv("LONGSHOT_HOME", str(tmp_path / "home"))
    file, part = tmp_path / "table.csv", tmp_path / "part.csv"
    table = make_panel(2).to_frame()
    table.to_csv(file, index=False)
    table[table["item_id"] == "item-0"].to_csv(part, index=False)
    sizes = ["--horizon", "6", "--context-length", "24", "--state-size", "4", "--num-particles", "2", "--epochs", "1"]

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["longshot", *words])
        with pytest.raises(SystemExit) as caught:
            main()
        return int(caught.value.code or 0), *capsys.readouterr()

    code, out, err = run("train", str(file), "-m", "m", "--joint", *sizes, "--steps-per-epoch", "2", "--json")
    assert code == 0, err
    assert json.loads(out)["configuration"]["channels"] == ["item-0", "item-1"]
    code, out, _ = run("forecast", str(file), "-m", "m", "--horizon", str(STEPS))
    assert (code, len(out.splitlines())) == (0, 1 + 2 * STEPS)
    code, _, err = run("forecast", str(part), "-m", "m", "--horizon", str(STEPS))
    assert code != 0
    assert "'item-1'" in err
    assert run("backtest", str(file), "-m", "m")[0] == 0
    assert run("anomalies", str(file), "-m", "m", "--last", "4")[0] == 0
