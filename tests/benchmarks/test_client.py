import json

import pytest

from benchmarks.client import main


@pytest.mark.system
def test_a_request_through_the_client_is_measured_beside_the_raw_one(tmp_path):
    file = tmp_path / "client.json"
    assert main(["--quick", "--json", str(file)]) == 0
    records = {one["name"]: one for one in json.loads(file.read_text())}
    assert records["client.10_series.request"]["value"] > 0
    assert set(records["client.10_series.request"]["compared_with"]) == {"raw Arrow", "raw JSON"}
    assert records["client.10_series.over_raw_json"]["value"] > 0
