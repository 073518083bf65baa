"""Rates of change: in JSON, in tables, on the command line, from Python, with and without sample paths."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.cli import main
from app.client.forecasts import Question
from app.settings import Settings
from app.stores.references import PRODUCTION
from app.stores.registry import Registry
from model import Checkpoint
from tests.app.conftest import Client, serve

VALUES = [float(n % 24) for n in range(60)]
SERIES = {"item_id": "a", "start": "2026-01-01T00:00:00Z", "freq": "h", "target": VALUES}
CSV = "timestamp,target\n" + "\n".join(f"2026-01-{1 + n // 24:02}T{n % 24:02}:00:00Z,{n % 24}" for n in range(60))
TABLE = {"content-type": "text/csv", "accept": "text/csv"}


@pytest.fixture
def client(settings: Settings, registry: Registry, checkpoint: Checkpoint) -> Iterator[Client]:
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    with serve(settings) as client:
        yield client


def ask(client: Client, **fields: object) -> dict:
    body = {"model": "m", "series": [SERIES], "horizon": {"steps": 5}, **fields}
    (found,) = client.post("/v1/forecasts", json=body).json()["forecasts"]
    return found


def test_rates_are_sent_when_they_are_asked_for_with_paths_or_without(client: Client):
    plain, rated = ask(client), ask(client, rates=True)
    both = ask(client, rates=True, num_samples=2)
    assert "rate" not in plain
    np.testing.assert_allclose(VALUES[-1] + np.cumsum(rated["rate"]), plain["mean"])
    assert both["rate"] == rated["rate"]
    assert len(both["samples"]) == 2
    assert "rate" not in ask(client, num_samples=2)


def test_a_kept_forecast_has_its_rates(client: Client):
    body = {"model": "m", "series": [SERIES], "horizon": {"steps": 5}, "rates": True, "num_samples": 1}
    answered = client.post("/v1/forecasts", json=body).json()
    kept = client.get(f"/v1/forecasts/{answered['id']}").json()
    assert kept["forecasts"] == answered["forecasts"]


def test_rates_are_a_column_of_a_table_also_beside_a_series_that_failed(client: Client):
    answer = client.post("/v1/forecasts?model=m&horizon=5&rates=true", content=CSV.encode(), headers=TABLE)
    table = pd.read_csv(io.BytesIO(answer.content))
    assert list(table.columns[:4]) == ["item_id", "timestamp", "mean", "rate"]
    assert table["rate"].tolist() == pytest.approx(ask(client, rates=True)["rate"])
    lines = CSV.replace("target", "target,item_id").replace("\n", ",a\n").replace("target,item_id,a", "target,item_id")
    short = f"{lines},a\n2026-01-01T00:00:00Z,1,short\n"
    asked = "/v1/forecasts?model=m&horizon=5&rates=true&on_error=partial"
    table = pd.read_csv(io.BytesIO(client.post(asked, content=short.encode(), headers=TABLE).content))
    assert table["rate"].isna().tolist() == [False] * 5 + [True]


def test_the_command_line_tells_rates(client: Client, settings: Settings, tmp_path: Path, monkeypatch, capsys):
    file = tmp_path / "table.csv"
    file.write_text(CSV)
    monkeypatch.setenv("LONGSHOT_HOME", str(settings.home))
    for more in ([], ["--json"]):
        words = ["longshot", "forecast", str(file), "-m", "m", "--horizon", "5", "--rates", *more]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit):
            main()
        assert "rate" in capsys.readouterr().out


def test_the_client_asks_for_rates_in_json_and_beside_a_table():
    question = Question.of("m", 3, (0.5,), (), {"rates": True})
    assert b'"rates":true' in question.to_json([])
    assert question.to_query()["rates"] is True
    assert question.num_values == 9
