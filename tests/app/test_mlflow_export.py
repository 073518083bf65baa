"""A version as an MLflow model: what the folder holds, and what its code answers."""

import importlib.util
import json
import sys

import numpy as np
import pandas as pd
import pytest

from app.mlflow_export import FolderNotFree, export_to_mlflow
from app.mlflow_loader import _load_pyfunc
from model import Forecaster, Panel, SeriesTooShort, Steps, choose_config, fit
from tests.app.conftest import TINY, make_panel

PANEL = make_panel(length=60)
FRAME = PANEL.to_frame()


@pytest.fixture
def exported(tmp_path, registry, checkpoint):
    version = registry.register("m", checkpoint)
    folder = tmp_path / "exported"
    export_to_mlflow(version, registry.checkpoint_path(version), folder)
    return folder


def test_the_folder_holds_json_weights_and_source_and_no_pickle(exported):
    files = [path for path in exported.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {"", ".json", ".safetensors", ".py", ".md", ".txt", ".yaml"}
    assert not any(b"pickle" in path.read_bytes() for path in files if path.suffix != ".py")
    flavor = json.loads((exported / "MLmodel").read_text())["flavors"]["python_function"]
    assert importlib.util.find_spec(flavor["loader_module"]) is not None
    assert (exported / flavor["code"] / (flavor["loader_module"].replace(".", "/") + ".py")).exists()
    needed = (exported / "requirements.txt").read_text().splitlines()
    assert f"numpy=={np.__version__}" in needed
    assert f"torch=={sys.modules['torch'].__version__.partition('+')[0]}" in needed


def test_its_code_answers_as_the_version_does(exported):
    loaded = _load_pyfunc(str(exported / "checkpoint"))
    expected = Forecaster.load(exported / "checkpoint").forecast(PANEL, Steps(3)).to_frame()
    params = {"horizon": 3, "freq": "", "item_id": "", "timestamp": "", "target": ""}
    pd.testing.assert_frame_equal(loaded.predict(FRAME, params), expected)
    renamed = FRAME.rename(columns={"item_id": "shop", "timestamp": "ds", "target": "y"})
    pd.testing.assert_frame_equal(loaded.predict(renamed, {"horizon": 3, "item_id": "shop"}), expected)
    texts = renamed.assign(ds=renamed["ds"].astype(str)).rename(columns={"shop": "unique_id"})
    assert len(loaded.predict(texts)) == 2 * 6


def test_covariates_are_taken_from_columns_of_their_names(tmp_path):
    table = FRAME.assign(load=range(len(FRAME)), shop=FRAME["item_id"])
    named = {"past_covariates": ["load"], "static_covariates": ["shop"]}
    panel = Panel.from_frame(table, **named)
    path = tmp_path / "checkpoint"
    fit(panel, choose_config(panel, TINY)).save(path)
    told = _load_pyfunc(str(path)).predict(table, {"horizon": 2})
    pd.testing.assert_frame_equal(told, Forecaster.load(path).forecast(panel, Steps(2)).to_frame())
    with pytest.raises(ValueError, match="no column 'load'"):
        _load_pyfunc(str(path)).predict(FRAME.assign(shop="a"))


def test_what_it_cannot_forecast_it_refuses_with_the_reason(exported):
    loaded = _load_pyfunc(str(exported / "checkpoint"))
    with pytest.raises(ValueError, match=r"Which column holds the timestamps.*params: {'timestamp'"):
        loaded.predict(FRAME.rename(columns={"timestamp": "a"}).assign(a="soon", b=1.0))
    with pytest.raises(SeriesTooShort):
        loaded.predict(FRAME.head(1).assign(item_id="x"), {"freq": "h"})


def test_a_folder_that_is_there_stays_as_it_is(exported, registry):
    before = sorted(exported.rglob("*"))
    version = registry.resolve("m/1")
    with pytest.raises(FolderNotFree, match="there already"):
        export_to_mlflow(version, registry.checkpoint_path(version), exported)
    with pytest.raises(FolderNotFree, match="no such file"):
        export_to_mlflow(version, registry.checkpoint_path(version), exported / "a" / "b")
    assert sorted(exported.rglob("*")) == before
    assert not list(exported.parent.glob(".exported-*"))
