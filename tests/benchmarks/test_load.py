import json

import pytest

from benchmarks.load import main


@pytest.mark.system
def test_a_real_server_is_measured_beside_a_route_that_does_nothing(tmp_path, capsys):
    file = tmp_path / "load.json"
    assert main(["--quick", "--json", str(file)]) == 0
    records = {one["name"]: one for one in json.loads(file.read_text())}
    single = records["load.latency.p50"]
    assert single["value"] > single["compared_with"]["a route that does nothing"] > 0
    assert records["load.memory.after_batches"]["value"] > 0
    for form in ("json_grid", "arrow", "parquet", "csv", "ndjson"):
        row = records[f"load.throughput.{form}.10_series.horizon_96"]
        assert row["compared_with"]["forward pass"] > row["value"] > 0
    assert records["load.latency.beside.p50"]["compared_with"]["forward pass"] > 0
    assert "load.latency.outside" in capsys.readouterr().out


@pytest.mark.system
def test_a_soak_tells_what_failed_what_was_late_and_what_grew(tmp_path):
    file = tmp_path / "soak.json"
    assert main(["--soak", "--seconds", "4", "--json", str(file)]) == 0
    records = {one["name"]: one for one in json.loads(file.read_text())}
    assert records["load.soak.failed"]["value"] == records["load.soak.late"]["value"] == 0
    assert records["load.soak.failed"]["settings"]["swaps"] >= 1
    assert records["load.soak.p99"]["value"] >= records["load.soak.p50"]["value"] > 0
