"""Trains neuralforecast's models by the protocol of the long-horizon sets; in an environment of its own.

    PYTHON benchmarks/accuracy/peer_training.py TASK.json

The file has `values` (a file of numpy's with a column for each channel, z-scored), `validation_steps`, `test_steps`,
`horizons`, `models`, `seed`, `threads` and `most_seconds`, the processor time after which a training is cut, or null.
For each model and horizon one line of JSON is printed, once it has forecast every test window. A model stops early by
its validation part, and keeps the weights that did best there, as its authors do.

Hyperparameters are the authors': of PatchTST and DLinear those of their repositories' scripts for ETTh1, schedules
included (Nie et al., ICLR 2023; Zeng et al., AAAI 2023); of NHITS (Challu et al., AAAI 2023) one point of the space
that neuralforecast's tutorial on long horizons tunes over. All wait as long for something better as DLinear does.
"""

import json
import logging
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from neuralforecast.losses.pytorch import MAE, MSE
from neuralforecast.models import NHITS, DLinear, PatchTST
from neuralforecast.tsdataset import TimeSeriesDataset
from pytorch_lightning.callbacks import Callback
from torch.optim.lr_scheduler import LambdaLR

for name in ("pytorch_lightning", "lightning_fabric", "lightning"):
    logging.getLogger(name).setLevel(logging.ERROR)
warnings.filterwarnings("ignore")

PATIENCE = 3
"""Looks at the validation part without a better one, after which a training ends; PatchTST's authors wait for 100."""

CONTEXT = 336
"""Steps that DLinear and PatchTST see."""


class Watch(Callback):
    """Takes the time of a training, and gives the model the weights that did best on its validation part."""

    def __init__(self, most_seconds: float | None) -> None:
        self.most_seconds, self.was_cut = most_seconds, False
        self.best, self.at_best = float("inf"), 0
        self.weights: dict[str, torch.Tensor] = {}
        self.seconds = self.processor_seconds = 0.0
        self.num_steps = 0

    def on_fit_start(self, trainer: Any, module: Any) -> None:
        """Begins to count."""
        self._started = time.perf_counter(), time.process_time()

    def on_validation_end(self, trainer: Any, module: Any) -> None:
        """Keeps the best weights, and ends a training that has had its time."""
        loss = trainer.callback_metrics.get("ptl/val_loss")
        if loss is not None and loss < self.best:
            self.best, self.at_best = float(loss), trainer.global_step
            self.weights = {key: value.detach().clone() for key, value in module.state_dict().items()}
        if self.most_seconds is not None and time.process_time() - self._started[1] > self.most_seconds:
            trainer.should_stop = self.was_cut = True

    def on_fit_end(self, trainer: Any, module: Any) -> None:
        """Ends counting."""
        module.load_state_dict(self.weights)
        self.seconds = time.perf_counter() - self._started[0]
        self.processor_seconds = time.process_time() - self._started[1]
        self.num_steps = trainer.global_step


def windows_of(length: int, num_channels: int, horizon: int) -> int:
    """How many there are to train on: what the authors call an epoch goes once over all of them."""
    return num_channels * (length - CONTEXT - horizon + 1)


def to_frame(values: np.ndarray) -> pd.DataFrame:
    """As neuralforecast takes series; their hours are only numbered, since no model here looks at them."""
    length, num_channels = values.shape
    names = np.repeat(np.arange(num_channels), length)
    return pd.DataFrame({"unique_id": names, "ds": np.tile(np.arange(length), num_channels), "y": values.T.ravel()})


def make(name: str, horizon: int, seed: int, num_channels: int, num_windows: int, watch: Watch) -> Any:
    """A model with its authors' hyperparameters."""
    shared = {
        "h": horizon,
        "random_seed": seed + 1,
        "early_stop_patience_steps": PATIENCE,
        "accelerator": "cpu",
        "devices": 1,
        "logger": False,
        "enable_progress_bar": False,
        "enable_checkpointing": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "callbacks": [watch],
    }
    if name == "DLinear":
        course = by_epochs(10, num_windows, 32 * num_channels, lambda epoch: 0.5**epoch)
        return DLinear(moving_avg_window=25, learning_rate=5e-3, **course, **shared)
    if name == "PatchTST":
        course = by_epochs(100, num_windows, 128 * num_channels, lambda epoch: 0.9 ** max(0, epoch - 2))
        return PatchTST(
            patch_len=16,
            stride=8,
            encoder_layers=3,
            n_heads=4,
            hidden_size=16,
            linear_hidden_size=128,
            dropout=0.3,
            fc_dropout=0.3,
            revin=True,
            revin_affine=False,
            revin_subtract_last=False,
            batch_normalization=True,
            learning_rate=1e-4,
            **course,
            **shared,
        )
    return NHITS(
        input_size=5 * horizon,
        n_pool_kernel_size=[2, 2, 2],
        n_freq_downsample=[24, 12, 1],
        mlp_units=[[512, 512]] * 3,
        loss=MAE(),
        learning_rate=1e-3,
        num_lr_decays=3,
        windows_batch_size=256,
        inference_windows_batch_size=1024,
        max_steps=1000,
        val_check_steps=100,
        **shared,
    )


def by_epochs(most: int, num_windows: int, batch: int, rate: Callable[[int], float]) -> dict[str, Any]:
    """A training that is counted in epochs: at most so many, with a share of the learning rate in each."""
    epoch = -(-num_windows // batch)
    return {
        "input_size": CONTEXT,
        "loss": MSE(),
        "windows_batch_size": batch,
        "max_steps": most * epoch,
        "val_check_steps": epoch,
        "lr_scheduler": LambdaLR,
        "lr_scheduler_kwargs": {"lr_lambda": lambda step: rate(step // epoch)},
    }


def keep_training_windows(model: Any) -> None:
    """Lets a model keep its windows, which neuralforecast makes anew in each step; nothing else changes.

    Cut from the series again each time, they would take longer than the step itself.
    """
    create = model._create_windows
    kept: list[Any] = []

    def create_once(batch: Any, step: str) -> Any:
        if step != "train":
            return create(batch, step)
        if not kept:
            kept.append(create(batch, step))
        return kept[0]

    model._create_windows = create_once


def run(name: str, horizon: int, task: dict[str, Any], values: np.ndarray) -> dict[str, Any]:
    """Trains one model and scores its forecasts of all test windows."""
    test, num_channels = task["test_steps"], values.shape[1]
    num_windows = windows_of(len(values) - test - task["validation_steps"], num_channels, horizon)
    watch = Watch(task["most_seconds"])
    model = make(name, horizon, task["seed"], num_channels, num_windows, watch)
    keep_training_windows(model)
    dataset, *_ = TimeSeriesDataset.from_df(to_frame(values))
    model.fit(dataset, val_size=task["validation_steps"], test_size=test)
    said = model.predict(dataset, step_size=1).reshape(num_channels, test - horizon + 1, horizon)
    happened = np.lib.stride_tricks.sliding_window_view(values[-test:], horizon, axis=0).transpose(1, 0, 2)
    error = said - happened
    return {
        "name": name,
        "horizon": horizon,
        "mse": float(np.square(error).mean()),
        "mae": float(np.abs(error).mean()),
        "seconds": round(watch.seconds, 1),
        "processor_seconds": round(watch.processor_seconds, 1),
        "num_steps": watch.num_steps,
        "best_step": watch.at_best,
        "was_cut": watch.was_cut,
        "num_windows": said.shape[0] * said.shape[1],
    }


def main() -> None:
    """Trains one model after the other."""
    task = json.loads(Path(sys.argv[1]).read_text())
    torch.set_num_threads(task["threads"])
    values = np.load(task["values"])
    for horizon in task["horizons"]:
        for name in task["models"]:
            print(json.dumps(run(name, horizon, task, values)), flush=True)


if __name__ == "__main__":
    main()
