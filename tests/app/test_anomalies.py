"""Over HTTP and on the command line: which observations a version did not expect."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.settings import Settings
from app.stores.references import PRODUCTION
from app.stores.registry import Registry
from model import Checkpoint
from tests.app.cli.conftest import Run, run  # noqa: F401 - a fixture
from tests.app.conftest import make_panel
from tests.app.test_server import SERIES, VALUES, Client, refused, serve


@pytest.fixture
def client(settings: Settings, registry: Registry, checkpoint: Checkpoint) -> Iterator[Client]:
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    with serve(replace(settings, max_cutoffs=50)) as client:
        yield client


def judge(client: Client, **fields: object):
    return client.post("/v1/anomalies", json={"model": "m", "series": [SERIES]} | fields)


def test_anomalies_are_answered_as_the_interface_says(client):
    spiked = SERIES | {"target": [*VALUES[:-3], 1e4, *VALUES[-2:]]}
    response = judge(client, series=[spiked], last=10, level=95)
    assert response.status_code == 200, response.text
    content = response.json()
    assert (content["level"], content["lead"], content["share_expected_by_chance"]) == (95, 1, 0.05)
    assert content["model"]["version"] == 1
    (item,) = content["anomalies"]
    assert item["is_anomaly"][7]
    assert item["value"][7] == 1e4
    assert item["score"][7] > 1
    assert item["num_expected_by_chance"] == 0.5
    columns = ("timestamps", "value", "expected", "lower", "upper", "score", "is_anomaly")
    assert {len(item[name]) for name in columns} == {10}
    assert item["timestamps"][7] == "2026-01-03T09:00:00Z"
    assert item["num_anomalies"] == sum(item["is_anomaly"])
    lower, value, upper = (np.array(item[name]) for name in ("lower", "value", "upper"))
    assert (((value < lower) | (value > upper)) == item["is_anomaly"]).all()


def test_anomalies_of_a_dataset_are_those_of_the_same_values_sent_inline(client):
    created = client.post("/v1/datasets", json={"series": [SERIES]}).json()
    by_id = judge(client, series=[{"dataset": created["id"]}]).json()["anomalies"]
    assert by_id == judge(client).json()["anomalies"]
    since = judge(client, since="2026-01-03T06:00:00Z").json()["anomalies"]
    assert since == judge(client, last=6).json()["anomalies"]


def test_one_bad_series_fails_alone_if_that_is_asked(client):
    bad = {"item_id": "bad", "timestamps": ["2026-01-01"], "target": [1]}
    refused(judge(client, series=[SERIES, bad]), 422, "frequency_unknown")
    content = judge(client, series=[SERIES, bad], on_error="partial").json()
    assert [one["status"] for one in content["anomalies"]] == ["ok", "failed"]
    assert content["anomalies"][1]["problem"]["code"] == "frequency_unknown"
    only_bad = judge(client, series=[bad], on_error="partial").json()
    assert [one["status"] for one in only_bad["anomalies"]] == ["failed"]


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"model": "nobody"}, 404, "model_not_found"),
        ({"last": 5, "since": "2026-01-03"}, 422, "request_invalid"),
        ({"last": 0}, 422, "request_invalid"),
        ({"level": 100}, 422, "request_invalid"),
        ({"lead": 1000}, 422, "horizon_out_of_range"),
        ({"since": "soon"}, 422, "date_invalid"),
        ({"since": "2030-01-01"}, 422, "series_too_short"),
        ({"last": 55}, 413, "limit_exceeded"),
        ({"series": [SERIES, SERIES]}, 422, "duplicate_items"),
        ({"series": [{"dataset": "ds_none"}]}, 404, "dataset_not_found"),
    ],
)
def test_a_search_that_cannot_be_made_is_a_4xx_with_a_code(client, fields, status, code):
    refused(judge(client, **fields), status, code)


def test_the_limit_is_shown(client):
    assert client.get("/v1/system").json()["limits"]["max_cutoffs"] == 50


@pytest.fixture
def table(tmp_path: Path) -> Path:
    frame = make_panel().to_frame()
    frame.loc[150, "target"] = 1e4
    file = tmp_path / "table.csv"
    frame.to_csv(file, index=False)
    return file


def test_the_command_line_prints_what_was_not_expected(
    run: Run,  # noqa: F811
    table: Path,
    tmp_path: Path,
    checkpoint: Checkpoint,
):
    home = Settings(home=tmp_path / "home")
    from app.stores.artifacts import ArtifactStore  # noqa: PLC0415
    from app.stores.database import Database, migrate  # noqa: PLC0415

    home.make_home()
    database = Database(home.database_url)
    migrate(database)
    registry = Registry(database, ArtifactStore(home.artifacts_path))
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    database.close()
    ended = run("anomalies", table, "--model", "m", "--last", 20)
    assert ended.code == 0, ended.err
    assert "item-0,2026-01-07T06:00:00+00:00,10000," in ended.out
    assert "of 40 observations lie outside the 99 % interval; about 0.4 would by chance." in ended.err
    assert run("anomalies", table, "--model", "m", "--last", 2, "--since", "2026-01-01").code == 2


def test_the_command_line_audits_a_table(run: Run, table: Path):  # noqa: F811
    ended = run("audit", table, "--horizon", 6)
    assert ended.code == 0, ended.err
    assert "outliers" in ended.out
    assert "It can be used as it is." in ended.out
    table.write_text(table.read_text() + "item-1,soon,7\n")
    refused = run("audit", table, "--json")
    assert refused.code == 1
    assert '"cell_invalid"' in refused.out
