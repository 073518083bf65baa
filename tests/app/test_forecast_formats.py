import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from app.routes import forecast_formats
from app.settings import Settings
from app.stores.references import PRODUCTION
from app.stores.registry import Registry
from model import Checkpoint
from tests.app.conftest import Client, serve

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"
PARQUET, ARROW = "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"
TABLES = (CSV, PARQUET, ARROW)
NAMES = ["a", "b, or so", "c"]
QUERY = {"model": "m", "horizon": "5", "quantile_levels": "0.3,0.5"}


@pytest.fixture
def client(settings: Settings, registry: Registry, checkpoint: Checkpoint) -> Iterator[Client]:
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    with serve(replace(settings, max_body_bytes=200_000)) as client:
        yield client


def panel(zone: str | None = "UTC", *, bad: bool = False) -> pa.Table:
    """Three series of 40 hours, one of them with gaps and, if it is to be bad, with a repeated timestamp."""
    noise = np.random.default_rng(0)
    hours = np.tile(np.arange("2026-03-28T00", "2026-03-29T16", dtype="datetime64[h]").astype("datetime64[us]"), 3)
    target = 10 + np.round(noise.normal(size=120), 3)
    if bad:
        hours[41] = hours[40]
    return pa.table(
        {
            "item_id": pa.array(np.repeat(NAMES, 40).tolist()),
            "timestamp": pa.array(hours).cast(pa.timestamp("us", zone)),
            "target": pa.array([None if number % 17 == 3 else value for number, value in enumerate(target.tolist())]),
        }
    )


def texts(table: pa.Table) -> list[str]:
    return [one.isoformat().replace("+00:00", "Z") for one in table["timestamp"].to_pylist()]


def rows(table: pa.Table) -> list[dict]:
    columns = zip(table["item_id"].to_pylist(), texts(table), table["target"].to_pylist(), strict=True)
    return [{"item_id": name, "timestamp": when, "target": value} for name, when, value in columns]


def series(table: pa.Table) -> list[dict]:
    found = {name: {"item_id": name, "timestamps": [], "target": []} for name in NAMES}
    for row in rows(table):
        found[row["item_id"]]["timestamps"].append(row["timestamp"])
        found[row["item_id"]]["target"].append(row["target"])
    return list(found.values())


def written(table: pa.Table, kind: str) -> bytes:
    file = io.BytesIO()
    if kind == ARROW:
        with pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table)
    elif kind == PARQUET:
        pa.parquet.write_table(table, file)
    elif kind == NDJSON:
        file.write("\n".join(map(json.dumps, rows(table))).encode())
    else:
        pd.DataFrame(rows(table)).to_csv(file, index=False)
    return file.getvalue()


def ask(client: Client, kind: str, accept: str | None, table: pa.Table, **options: str) -> httpx.Response:
    """The same question in any format."""
    headers = {"content-type": kind} | ({} if accept is None else {"accept": accept})
    if kind != JSON:
        return client.post("/v1/forecasts", params=QUERY | options, content=written(table, kind), headers=headers)
    body = {"model": "m", "horizon": {"steps": 5}, "quantile_levels": [0.3, 0.5], "series": series(table)} | options
    return client.post("/v1/forecasts", content=json.dumps(body), headers=headers)


def numbers(response: httpx.Response) -> dict[tuple[str, str], list[float]]:
    """What an answer says of each series and timestamp: mean, and quantiles at 0.1, 0.3, 0.5, 0.9."""
    assert response.status_code == 200, response.text
    kind = response.headers["content-type"].partition(";")[0]
    if kind in (JSON, NDJSON):
        found = response.json()["forecasts"] if kind == JSON else list(map(json.loads, response.text.splitlines()))
        return {
            (one["item_id"], when): list(values)
            for one in found
            if one["status"] == "ok"
            for low, up in [one["intervals"]["80"].values()]
            for when, *values in zip(one["timestamps"], one["mean"], low, *one["quantiles"].values(), up, strict=True)
        }
    names = ["mean", "0.1", "0.3", "0.5", "0.9"]
    if kind == CSV:
        lines = [line for line in csv.DictReader(io.StringIO(response.text)) if line["timestamp"]]
        return {(one["item_id"], one["timestamp"]): [float(one[name]) for name in names] for one in lines}
    table = arrow(response)
    table = table.filter(pa.compute.is_valid(table["timestamp"]))
    columns = zip(*(table[name].to_pylist() for name in names), strict=True)
    return dict(zip(zip(table["item_id"].to_pylist(), texts(table), strict=True), map(list, columns), strict=True))


def arrow(response: httpx.Response) -> pa.Table:
    if response.headers["content-type"] == PARQUET:
        return pa.parquet.read_table(io.BytesIO(response.content))
    with pa.ipc.open_stream(response.content) as stream:
        return stream.read_all()


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", None])
def test_the_same_numbers_come_in_every_format_whatever_the_question_came_in(client, zone):
    table = panel(zone)
    found = {
        (sent, asked): numbers(ask(client, sent, asked, table))
        for sent, asked in [(JSON, one) for one in (JSON, NDJSON, *TABLES)] + [(one, JSON) for one in (NDJSON, *TABLES)]
    }
    if zone == "Europe/Berlin":
        # Offsets that differ are kept in UTC where no name of a zone can stand beside them.
        found = {kinds: {(name, pd.Timestamp(when)): one for (name, when), one in values.items()}
                 for kinds, values in found.items()}  # fmt: skip
    expected = found[JSON, JSON]
    assert len(expected) == 15
    for kinds, values in found.items():
        assert values == expected, kinds


def test_many_small_pieces_are_the_same_answer(client, monkeypatch):
    whole = {kind: ask(client, ARROW, kind, panel()) for kind in (NDJSON, CSV, ARROW)}
    monkeypatch.setattr(forecast_formats, "MAX_VALUES_AT_ONCE", 1)
    for kind, one in whole.items():
        pieces = ask(client, ARROW, kind, panel())
        assert "content-length" not in pieces.headers
        assert numbers(pieces) == numbers(one)
        assert (pieces.text == one.text) or kind == ARROW


@pytest.mark.parametrize("kind", TABLES)
def test_a_series_that_fails_alone_is_a_row_that_says_why(client, kind):
    table = panel(bad=True)
    refused = ask(client, kind, kind, table)
    assert (refused.status_code, refused.json()["code"]) == (422, "duplicate_timestamps")
    answer = ask(client, kind, kind, table, on_error="partial")
    about = json.loads(answer.headers["longshot-answer"])
    assert (about["num_failed"], about["model"]["version"], about["usage"]["points_out"]) == (1, 1, 10)
    assert {name for name, _ in numbers(answer)} == {"a", "c"}
    found = pd.read_csv(io.StringIO(answer.text)) if kind == CSV else arrow(answer).to_pandas()
    (failed,) = found[found["problem"].notna()].to_dict("records")
    assert (failed["item_id"], failed["problem"]) == ("b, or so", "duplicate_timestamps")
    assert "2026" in failed["problem_detail"]
    assert pd.isna(failed["timestamp"])
    assert pd.isna(failed["mean"])
    if kind != CSV:
        assert json.loads(arrow(answer).schema.metadata[b"longshot"]) == about


def test_lines_of_json_can_be_whole_series_and_fail_alone(client):
    lines = "\n".join(map(json.dumps, series(panel(bad=True)))).encode()
    headers = {"content-type": NDJSON, "accept": NDJSON}
    answer = client.post("/v1/forecasts", params=QUERY | {"on_error": "partial"}, content=lines, headers=headers)
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["status"] for one in found] == ["ok", "failed", "ok"]
    assert found[1]["problem"]["code"] == "duplicate_timestamps"
    wrong = client.post("/v1/forecasts", params=QUERY, content=b'{"target": [1]}', headers=headers)
    assert wrong.json()["pointer"] == "/series/0"


def test_columns_are_named_by_the_caller_and_warnings_stand_in_a_column(client):
    table = panel().rename_columns(["meter", "when", "load"])
    names = {"item_id": "meter", "timestamp": "when", "target": "load"}
    answer = ask_raw(client, QUERY | names, table)
    assert answer.status_code == 200, answer.text
    far = ask_raw(client, QUERY | names | {"horizon": "P3D"}, table)
    warned = arrow(far)["warnings"].to_pylist()
    assert all(one.split()[0] == "past_calibrated_lead" for one in warned)
    missing = ask_raw(client, QUERY, table)
    assert (missing.status_code, missing.json()["code"]) == (422, "column_unnamed")


def ask_raw(client: Client, query: dict, table: pa.Table) -> httpx.Response:
    file = io.BytesIO()
    with pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)
    headers = {"content-type": ARROW, "accept": ARROW}
    return client.post("/v1/forecasts", params=query, content=file.getvalue(), headers=headers)


def test_until_and_timestamps_ask_the_same_as_a_horizon(client):
    steps = numbers(ask(client, CSV, CSV, panel()))
    for query in ({"until": "2026-03-29T20:00:00Z"}, {"timestamps": ",".join(dict.fromkeys(one for _, one in steps))}):
        headers = {"content-type": CSV, "accept": CSV}
        options = {name: value for name, value in QUERY.items() if name != "horizon"} | query
        answer = client.post("/v1/forecasts", params=options, content=written(panel(), CSV), headers=headers)
        assert numbers(answer) == steps


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "parameters_missing"),
        ({"model": "m"}, "parameters_missing"),
        ({"model": "m", "horizon": "5", "until": "2026-04-01"}, "parameters_missing"),
        ({"model": "m", "horizon": "soon"}, "duration_invalid"),
        ({"model": "m", "horizon": "0"}, "horizon_out_of_range"),
        ({"model": "m", "horizon": "5", "quantile_levels": "0.1,many"}, "request_invalid"),
        ({"model": "m", "horizon": "5", "quantile_level": "0.1"}, "request_invalid"),
        ({"model": "nobody", "horizon": "5"}, "model_not_found"),
    ],
)
def test_a_query_that_asks_nothing_that_can_be_answered_is_refused(client, query, code):
    response = client.post("/v1/forecasts", params=query, content=written(panel(), CSV), headers={"content-type": CSV})
    assert response.json()["code"] == code
    assert 400 <= response.status_code < 500


def test_a_query_beside_json_is_refused(client):
    response = client.post("/v1/forecasts?horizon=7", json={"model": "m", "series": [], "horizon": {"steps": 1}})
    assert (response.status_code, response.json()["code"]) == (422, "parameters_misplaced")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("text/csv;q=0.5, application/*;q=0.4", CSV),
        (f"{CSV};q=0.1, {ARROW};q=0.9", ARROW),
        ("text/html, */*;q=0.1", JSON),
        (f"{JSON};q=0, */*", NDJSON),
    ],
)
def test_the_format_that_is_preferred_is_answered(client, accept, kind):
    response = ask(client, CSV, accept, panel())
    assert response.headers["content-type"].partition(";")[0] == kind
    assert "Accept" in response.headers["vary"]


def test_a_format_that_is_not_offered_is_a_406_and_one_that_is_not_read_a_415(client):
    response = ask(client, CSV, "text/html, image/*", panel())
    assert (response.status_code, response.json()["code"]) == (406, "nothing_acceptable")
    assert ARROW in response.json()["detail"]
    unread = client.post("/v1/forecasts", params=QUERY, content=b"x", headers={"content-type": "text/html"})
    assert (unread.status_code, unread.json()["code"]) == (415, "media_type_unsupported")
    assert PARQUET in unread.json()["detail"]


def test_more_series_than_allowed_are_refused_in_tables_too(settings, registry, checkpoint):
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    with serve(replace(settings, max_series=2)) as client:
        for kind in (CSV, ARROW, NDJSON):
            assert ask(client, kind, kind, panel()).json()["code"] == "limit_exceeded"
