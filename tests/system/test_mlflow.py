"""MLflow itself loads an exported version, in an environment where this project is not installed."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from app.mlflow_export import export_to_mlflow
from app.stores.artifacts import ArtifactStore
from app.stores.references import PRODUCTION
from app.stores.registry import Registry
from model import Forecaster, Panel, Series, Steps
from tests.system.environments import make_environment
from tests.system.test_service import SERIES, VALUES, Service

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]

PROGRAM = """
import json, sys
import mlflow.pyfunc
import pandas as pd

loaded = mlflow.pyfunc.load_model(sys.argv[1])
hours = pd.date_range("2026-01-01", periods=160, freq="h", tz="UTC")
table = pd.DataFrame({"unique_id": "a", "ds": hours, "y": json.loads(sys.argv[2])})
told = loaded.predict(table, params={"horizon": 3, "quantile_levels": [0.25, 0.75]})
import app, model
print(json.dumps({
    "columns": list(told.columns), "mean": list(told["mean"]), "upper": list(told["0.75"]),
    "first": told["timestamp"][0].isoformat(), "default": len(loaded.predict(table)),
    "code": [app.__file__, model.__file__], "torch": sys.modules["torch"].__version__,
}))
"""


def test_mlflow_answers_from_an_exported_version_as_the_version_does(tmp_path: Path) -> None:
    python = make_environment(Path(__file__).parent / "mlflow" / "requirements.txt", sees_ours=True)
    service = Service(tmp_path)
    registry = Registry(service.database, ArtifactStore(service.settings.artifacts_path))
    version = registry.resolve(f"m@{PRODUCTION}")
    folder = tmp_path / "exported"
    export_to_mlflow(version, registry.checkpoint_path(version), folder)
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environment = {name: one for name, one in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, program, folder, json.dumps(VALUES)], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    panel = Panel((Series.from_grid("a", SERIES["start"], "h", VALUES),))
    (expected,) = Forecaster.load(registry.checkpoint_path(version)).forecast(panel, Steps(3), (0.25, 0.75)).items
    assert told["columns"] == ["item_id", "timestamp", "mean", "0.25", "0.75"]
    np.testing.assert_allclose(told["mean"], expected.mean, rtol=1e-6)
    np.testing.assert_allclose(told["upper"], expected.quantiles[0.75], rtol=1e-6)
    assert told["first"] == "2026-01-07T16:00:00+00:00"
    assert told["default"] == 6
    assert all(path.startswith(str(folder / "code")) for path in told["code"])
    service.close()
