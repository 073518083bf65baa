"""Series whose timestamps are whole numbers, over HTTP: every format in, the same numbers out."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from app.compat.nixtla.versions import check_step
from app.schemas.refusals import OptionUnsupported
from app.settings import Settings
from app.stores.registry import Registry
from model import Checkpoint, Panel, Series, choose_config, fit
from tests.app.conftest import TINY, Client, serve

CSV, NDJSON = "text/csv", "application/x-ndjson"
PARQUET, ARROW = "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"
FORMATS = (CSV, NDJSON, PARQUET, ARROW)
VALUES = np.sin(2 * np.pi * np.arange(120) / 24) + 0.1 * np.random.default_rng(0).normal(size=120)
NUMBERS = 5000 + 10 * np.arange(120)
AHEAD = [6200, 6210, 6220, 6230]
QUERY = "model=counted&horizon=4&quantile_levels=0.5"


@pytest.fixture(scope="module")
def numbered() -> Checkpoint:
    panel = Panel((Series.from_values("a", NUMBERS, VALUES),))
    return fit(panel, choose_config(panel, TINY))


@pytest.fixture
def client(settings: Settings, registry: Registry, numbered: Checkpoint) -> Iterator[Client]:
    registry.register("counted", numbered)
    registry.point_alias("counted", "production", 1, actor="test")
    with serve(settings) as client:
        yield client


def body(**horizon: Any) -> dict[str, Any]:
    series = {"item_id": "a", "timestamps": NUMBERS.tolist(), "target": VALUES.tolist()}
    return {"model": "counted", "series": [series], "horizon": horizon or {"steps": 4}, "quantile_levels": [0.5]}


def written(media_type: str, *, texts: bool = False) -> bytes:
    times = NUMBERS.astype(str).tolist() if texts else NUMBERS
    sent, file = pa.table({"item_id": ["a"] * 120, "timestamp": times, "target": VALUES}), io.BytesIO()
    if media_type == CSV:
        return sent.to_pandas().to_csv(index=False).encode()
    if media_type == NDJSON:
        return b"\n".join(orjson.dumps(one) for one in sent.to_pylist())
    if media_type == PARQUET:
        pa.parquet.write_table(sent, file)
    else:
        with pa.ipc.new_stream(file, sent.schema) as stream:
            stream.write_table(sent)
    return file.getvalue()


def read(media_type: str, content: bytes) -> tuple[list[Any], list[float]]:
    if media_type == NDJSON:
        (item,) = [orjson.loads(one) for one in content.splitlines()]
        return item["timestamps"], item["mean"]
    if media_type == CSV:
        table = pa.Table.from_pandas(pd.read_csv(io.BytesIO(content)))
    elif media_type == PARQUET:
        table = pa.parquet.read_table(io.BytesIO(content))
    else:
        table = pa.ipc.open_stream(content).read_all()
    assert table["timestamp"].type == pa.int64()
    return table["timestamp"].to_pylist(), table["mean"].to_pylist()


def forecast_in_json(client: Client, **horizon: Any) -> dict[str, Any]:
    answer = client.post("/v1/forecasts", json=body(**horizon))
    assert answer.status_code == 200, answer.text
    return answer.json()["forecasts"][0]


def test_json_is_answered_with_whole_numbers(client: Client) -> None:
    found = forecast_in_json(client)
    assert found["timestamps"] == AHEAD
    assert all(type(one) is int for one in found["timestamps"])


@pytest.mark.parametrize("sent", FORMATS)
@pytest.mark.parametrize("wanted", FORMATS)
def test_every_format_gives_the_numbers_and_values_of_json(client: Client, sent: str, wanted: str) -> None:
    headers = {"Content-Type": sent, "Accept": wanted}
    answer = client.post(f"/v1/forecasts?{QUERY}", content=written(sent), headers=headers)
    assert answer.status_code == 200, answer.text
    timestamps, means = read(wanted, answer.content)
    assert timestamps == AHEAD
    assert means == pytest.approx(forecast_in_json(client)["mean"], rel=1e-9)


def test_texts_of_numbers_are_numbers_if_the_frequency_says_so(client: Client) -> None:
    for media_type in (PARQUET, NDJSON):
        headers = {"Content-Type": media_type, "Accept": CSV}
        content = written(media_type, texts=True)
        answer = client.post(f"/v1/forecasts?{QUERY}&freq=10", content=content, headers=headers)
        assert read(CSV, answer.content)[0] == AHEAD


def test_all_series_of_a_table_are_read_alike(client: Client) -> None:
    rows = [f"a,{number},{value}" for number, value in zip(range(120), VALUES, strict=True)]
    rows += [f"b,{number},{value}" for number, value in zip(range(2000, 2120), VALUES, strict=True)]
    for last in ("", "\nb,2120,"):
        content = "\n".join(["item_id,timestamp,target", *rows]) + last
        answer = client.post(f"/v1/forecasts?{QUERY}", content=content, headers={"Content-Type": CSV})
        assert answer.status_code == 200, answer.text
        assert [one["timestamps"][0] for one in answer.json()["forecasts"]] == [120, 2120]


def test_a_grid_begins_at_a_number(client: Client) -> None:
    asked = body()
    asked["series"] = [{"item_id": "a", "start": 5000, "freq": "10", "target": VALUES.tolist()}]
    found = client.post("/v1/forecasts", json=asked).json()["forecasts"][0]
    assert (found["timestamps"], found["mean"]) == (AHEAD, forecast_in_json(client)["mean"])


def test_any_numbers_may_be_asked_also_between_those_of_the_grid(client: Client) -> None:
    steps = forecast_in_json(client)
    assert forecast_in_json(client, until=6230)["timestamps"] == AHEAD
    found = forecast_in_json(client, timestamps=[6230, 6204.5, 6200])
    assert found["timestamps"] == [6230, 6204.5, 6200]
    assert found["mean"][0] == steps["mean"][3]
    assert found["mean"][1] == pytest.approx(0.55 * steps["mean"][0] + 0.45 * steps["mean"][1])
    query = "model=counted&timestamps=6230,6204.5&quantile_levels=0.5"
    for accepted in (ARROW, CSV):
        headers = {"Content-Type": CSV, "Accept": accepted}
        answer = client.post(f"/v1/forecasts?{query}", content=written(CSV), headers=headers)
        read_back = (
            pa.ipc.open_stream(answer.content).read_all().to_pandas()
            if accepted == ARROW
            else pd.read_csv(io.BytesIO(answer.content))
        )
        assert read_back["timestamp"].tolist() == [6230, 6204.5]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"horizon": {"duration": "P1D"}}, "axes_mixed"),
        ({"horizon": {"until": "2026-01-01"}}, "axes_mixed"),
        ({"horizon": {"timestamps": [6230, "2026-01-01"]}}, "request_invalid"),
        ({"series": [{"timestamps": [1, 2.5, 3], "target": [1, 2, 3]}]}, "request_invalid"),
        ({"series": [{"timestamps": [1, "2026-01-01", 3], "target": [1, 2, 3]}]}, "request_invalid"),
        ({"series": [{"timestamps": [True, False], "target": [1, 2]}]}, "request_invalid"),
        ({"series": [{"timestamps": [1, 2, 10**15], "target": [1, 2, 3]}]}, "timestamp_invalid"),
        ({"series": [{"timestamps": [1, 2, 3], "freq": "h", "target": [1, 2, 3]}]}, "axes_mixed"),
        ({"series": [{"start": 7, "freq": "D", "target": [1, 2, 3]}]}, "axes_mixed"),
    ],
)
def test_what_does_not_go_together_is_refused_by_name(client: Client, change: dict[str, Any], code: str) -> None:
    answer = client.post("/v1/forecasts", json=body() | change)
    assert answer.status_code in (400, 422)
    assert answer.json()["code"] == code


def test_a_dataset_keeps_numbers_and_grows_by_them(client: Client) -> None:
    made = client.post("/v1/datasets", content=written(CSV), headers={"Content-Type": CSV})
    assert made.status_code == 201, made.text
    place = f"/v1/datasets/{made.json()['id']}"
    (summary,) = client.get(f"{place}/series").json()["data"]
    assert (summary["first"], summary["last"], summary["freq"], summary["time_zone"]) == (5000, 6190, "10", None)
    observed = client.get(f"{place}/observations?item_id=a").json()
    assert observed["timestamps"] == NUMBERS.tolist()
    asked = {"series": [{"item_id": "a", "timestamps": [6200, 6210], "target": [1.0, 2.0]}]}
    assert client.post(f"{place}/observations", json=asked).status_code == 200
    dated = {"series": [{"item_id": "a", "timestamps": ["2026-01-01"], "target": [1.0]}]}
    assert client.post(f"{place}/observations", json=dated).json()["code"] == "axes_mixed"
    source = {"dataset": made.json()["id"], "cutoff": 6190}
    found = client.post("/v1/forecasts", json=body() | {"series": [source]}).json()["forecasts"][0]
    assert (found["timestamps"], found["mean"]) == (AHEAD, forecast_in_json(client)["mean"])


def test_a_panel_of_both_kinds_is_refused_and_answered_series_by_series(client: Client) -> None:
    dated = {"item_id": "b", "start": "2026-01-01", "freq": "h", "target": VALUES.tolist()}
    both = [*body()["series"], dated]
    assert client.post("/v1/datasets", json={"series": both}).json()["code"] == "axes_mixed"
    answer = client.post("/v1/forecasts", json=body() | {"series": both})
    assert [one["timestamps"][0] for one in answer.json()["forecasts"]] == [6200, "2026-01-06T00:00:00"]
    table = client.post("/v1/forecasts", json=body() | {"series": both}, headers={"Accept": ARROW})
    assert pa.ipc.open_stream(table.content).read_all()["timestamp"].type == pa.string()


def test_anomalies_and_audits_name_numbers(client: Client) -> None:
    asked = {"model": "counted", "series": body()["series"], "since": 6170, "level": 80}
    found = client.post("/v1/anomalies", json=asked).json()["anomalies"][0]
    assert found["timestamps"] == [6170, 6180, 6190]
    audit = client.post("/v1/audits", json={"series": body()["series"]}).json()["items"][0]
    assert (audit["first"], audit["last"], audit["freq"], audit["time_zone"]) == ("5000", "6190", "10", None)


def test_a_kept_forecast_and_its_picture_know_numbers(client: Client) -> None:
    answer = client.post("/v1/forecasts", json=body()).json()
    kept = client.get(f"/v1/forecasts/{answer['id']}").json()
    assert kept["forecasts"][0]["timestamps"] == AHEAD
    assert kept["history"][0]["timestamps"][-1] == 6190
    assert client.get(f"/v1/forecasts/{answer['id']}.svg").status_code == 200


def test_a_version_of_numbers_answers_what_timegpts_package_sends_for_integer_times(numbered: Checkpoint) -> None:
    check_step("counted/1", numbered.config, "MS")
    with pytest.raises(OptionUnsupported, match="integer times are sent as 'MS'"):
        check_step("counted/1", numbered.config, "h")
