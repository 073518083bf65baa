"""The Open Inference Protocol: health and metadata."""

from collections.abc import Iterator
from importlib.metadata import version

import pytest

from app.settings import Settings
from app.stores.references import PRODUCTION
from tests.app.conftest import Client, serve


@pytest.fixture(scope="module")
def client(tmp_path_factory, checkpoint, other_checkpoint) -> Iterator[Client]:
    with serve(Settings(home=tmp_path_factory.mktemp("oip"))) as client:
        registry = client.application.state.resources.registry
        registry.register("m", checkpoint)
        registry.register("m", other_checkpoint)
        registry.point_alias("m", PRODUCTION, 1, actor="test")
        yield client


def test_the_server_says_what_it_is_and_that_it_is_ready(client):
    assert client.get("/v2").json() == {"name": "longshot", "version": version("longshot"), "extensions": []}
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}


def test_a_server_without_its_worker_lives_and_is_not_ready(settings):
    with serve(settings, worker_alive=False) as client:
        assert client.get("/v2/health/live").status_code == 200
        for path in ("/v2/health/ready", "/ping"):
            found = client.get(path)
            assert (found.status_code, found.json()["code"]) == (503, "not_ready")


@pytest.mark.parametrize("path", ["m", "m@production", "m/versions/1"])
def test_a_model_says_what_it_is(client, path):
    found = client.get(f"/v2/models/{path}").json()
    assert (found["name"], found["versions"], found["platform"]) == ("m", ["2", "1"], "longshot_shooting")
    assert found["inputs"] == [{"name": "target", "datatype": "FP64", "shape": [-1]}]
    assert [one["name"] for one in found["outputs"]] == ["mean", "quantiles"]


@pytest.mark.parametrize("path", ["m", "m@production", "m/versions/2"])
def test_a_model_is_ready_once_it_is_loaded(client, path):
    assert client.get(f"/v2/models/{path}/ready").json() == {"name": path.partition("/")[0], "ready": True}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("n", "model_not_found"),
        ("m@none", "alias_not_found"),
        ("m/versions/9", "version_not_found"),
        ("n/ready", "model_not_found"),
        ("m/versions/9/ready", "version_not_found"),
        ("m/infer", "not_found"),
    ],
)
def test_what_is_not_there_is_a_404(client, path, code):
    found = client.get(f"/v2/models/{path}")
    assert (found.status_code, found.json()["code"]) == (404, code)


def test_a_damaged_version_is_not_ready(settings, registry, checkpoint):
    registry.register("m", checkpoint)
    weights = registry.checkpoint_path(registry.resolve("m/1")) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with serve(settings) as client:
        found = client.get("/v2/models/m/versions/1/ready")
        assert (found.status_code, found.json()["code"]) == (409, "checkpoint_corrupt")
