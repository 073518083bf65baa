"""A version as an MLflow model: a folder of JSON, safetensors and source code, without pickle."""

import json
import platform
import shutil
import uuid
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any, Final

import app
import model
from app import column_names, mlflow_loader
from app.bundles import model_card
from app.errors import OperationError
from app.mlflow_loader import DEFAULT_LEVELS
from app.stores.versions import Version
from model import Checkpoint

_REQUIREMENTS: Final = ("torch", "torchdiffeq", "numpy", "pandas", "safetensors", "jaxtyping")
_TEXTS: Final = ("freq", "item_id", "timestamp", "target")
_CHECKPOINT, _CODE = "checkpoint", "code"


class FolderNotFree(OperationError):
    """A folder to be written that is there already, or cannot be made."""

    def __init__(self, folder: str, reason: str) -> None:
        super().__init__(f"{folder} cannot be written: {reason}.", hint="Name a folder that does not exist yet.")
        self.folder = folder
        self.reason = reason


def export_to_mlflow(version: Version, checkpoint: Path, folder: Path) -> None:
    """Writes a version so that `mlflow.pyfunc.load_model` answers from it; the folder appears whole or not at all.

    Args:
        version: The version.
        checkpoint: Its folder.
        folder: The one to make.

    Raises:
        CheckpointError: The checkpoint is damaged or gone.
        FolderNotFree: The folder is there already, or cannot be made.
    """
    Checkpoint.load(checkpoint)
    if folder.exists():
        raise FolderNotFree(str(folder), "it is there already")
    unfinished = folder.with_name(f".{folder.name}-{uuid.uuid4().hex}")
    try:
        unfinished.mkdir()
        shutil.copytree(checkpoint, unfinished / _CHECKPOINT)
        _copy_code(unfinished / _CODE)
        for name, content in _files(version).items():
            (unfinished / name).write_text(content, encoding="utf-8")
        unfinished.rename(folder)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise FolderNotFree(str(folder), (error.strerror or "it failed").lower()) from error


def _copy_code(folder: Path) -> None:
    """What reads a checkpoint: all of the model, and of the service what MLflow calls."""
    source = Path(str(model.__file__)).parent
    for path in sorted(source.rglob("*.py")):
        _copy(path, folder / "model" / path.relative_to(source))
    for module in (app, column_names, mlflow_loader):
        path = Path(str(module.__file__))
        _copy(path, folder / "app" / path.name)


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)


def _files(version: Version) -> dict[str, str]:
    """The files at the top; JSON is YAML too."""
    requirements = [f"{name}=={version_of(name).partition('+')[0]}" for name in _REQUIREMENTS]
    python = platform.python_version()
    conda = [f"python={python}", {"pip": ["mlflow", *requirements]}]
    return {
        "MLmodel": _json(_mlmodel(version, python)),
        "requirements.txt": "\n".join(["mlflow", *requirements]) + "\n",
        "conda.yaml": _json({"name": "longshot", "channels": ["conda-forge"], "dependencies": conda}),
        "python_env.yaml": _json({"python": python, "dependencies": ["-r requirements.txt"]}),
        "README.md": model_card(version),
    }


def _mlmodel(version: Version, python: str) -> dict[str, object]:
    return {
        "flavors": {
            "python_function": {
                "loader_module": mlflow_loader.__name__,
                "code": _CODE,
                "data": _CHECKPOINT,
                "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
                "python_version": python,
            }
        },
        "metadata": {"longshot": {"version": str(version), "digest": version.digest}},
        "model_uuid": version.digest[:32],
        "signature": {"inputs": None, "outputs": None, "params": json.dumps(_params(version))},
        "utc_time_created": f"{version.created_at:%Y-%m-%d %H:%M:%S.%f}",
    }


def _params(version: Version) -> list[dict[str, Any]]:
    """What `predict` takes beside the table, with what it is if left out."""
    return [
        {"name": "horizon", "type": "long", "default": version.config.horizon, "shape": None},
        {"name": "quantile_levels", "type": "double", "default": list(DEFAULT_LEVELS), "shape": [-1]},
        *({"name": name, "type": "string", "default": "", "shape": None} for name in _TEXTS),
    ]


def _json(content: object) -> str:
    return json.dumps(content, indent=2) + "\n"
