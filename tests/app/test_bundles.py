import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.settings import Settings
from app.stores.registry import Registry
from app.training import TrainingPlan, train
from model import Checkpoint
from tests.app.conftest import TINY, Client, make_panel, serve

BUNDLE = "/v1/models/m/versions/1/bundle"


@pytest.fixture
def client(settings: Settings, registry: Registry) -> Iterator[Client]:
    train(registry, make_panel(), TrainingPlan("m", "test", TINY))
    with serve(settings) as client:
        yield client


def test_a_bundle_is_a_tar_whose_checkpoint_loads(client, registry, tmp_path: Path):
    answer = client.get(BUNDLE)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-tar")
    assert answer.headers["content-disposition"] == 'attachment; filename="m-1.tar"'
    with tarfile.open(fileobj=io.BytesIO(answer.content), mode="r:") as tar:
        assert all(one.isfile() and "/" not in one.name for one in tar)
        tar.extractall(tmp_path / "bundle", filter="data")
    version = registry.version("m", 1)
    assert Checkpoint.load(tmp_path / "bundle").manifest == version.manifest
    assert answer.headers["etag"] == f'"{version.digest}"'


def test_the_model_card_has_the_data_digest_the_scores_and_the_configuration(client, registry):
    with tarfile.open(fileobj=io.BytesIO(client.get(BUNDLE).content)) as tar:
        card = tar.extractfile("README.md").read().decode()
    version = registry.version("m", 1)
    assert version.manifest.data_digest in card
    assert f"| seasonal_naive | {version.report.scores[1].mase:.3f} |" in card
    assert "| context_length | 24 |" in card
    assert "## Calibration" in card


def test_a_damaged_version_is_a_problem_and_not_half_a_bundle(client, registry):
    weights = registry.checkpoint_path(registry.version("m", 1)) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    answer = client.get(BUNDLE)
    assert (answer.status_code, answer.json()["code"]) == (409, "checkpoint_corrupt")
