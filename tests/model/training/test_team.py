"""Processes that train together come to what one alone comes to, and end together."""

import itertools
import os
import socket
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from model import (
    ConfigurationInvalid,
    Panel,
    Progress,
    Team,
    TrainingCancelled,
    TrainingConfig,
    TrainingPartnerLost,
    fit,
)
from model.contexts.cuts import WindowShape
from model.contexts.splitting import split
from model.networks.device import autocast, exact
from model.networks.network import ShootingNetwork
from model.training.learning import _backward
from model.training.team import together

CPU = torch.device("cpu")


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("num_parts", [1, 2, 5])
@pytest.mark.parametrize("num_rows", [3, 7, 64])
def test_every_row_of_a_batch_is_computed_once(num_rows: int, num_parts: int, size: int) -> None:
    parts = [part for rank in range(size) for part in Team(rank, size).parts(num_rows, num_parts)]
    assert [row for part in parts for row in range(num_rows)[part]] == list(range(num_rows))
    assert all(Team(rank, size).parts(num_rows, num_parts) for rank in range(size))


def test_a_batch_with_fewer_windows_than_processes_is_refused() -> None:
    with pytest.raises(ConfigurationInvalid, match="a window for each process"):
        Team(0, 4).parts(3, 1)


def test_a_process_alone_has_no_others_to_ask() -> None:
    with together() as team:
        assert (team, team.is_first) == (Team(), True)
        assert team.agreed(0.1, CPU) == 0.1
        assert team.one_after_the_first(lambda: "made") == "made"
        assert team.any(True, CPU)


@pytest.mark.parametrize("accumulation", [2, 5, 64])
def test_the_gradient_of_a_batch_is_the_same_in_parts(panel: Panel, config: TrainingConfig, accumulation: int) -> None:
    shape = WindowShape(config.freq, config.season_length, config.context_length, config.horizon, 60)
    windows = split(panel, shape, CPU).training
    numbers = torch.arange(0, len(windows), len(windows) // 64)[:64]
    assert not windows.batch(numbers).known.all()
    torch.manual_seed(0)
    network, found = ShootingNetwork(replace(config, dropout=0.3)), []
    for parts in (1, accumulation):
        network.zero_grad()
        torch.manual_seed(1)
        loss = _backward(network, windows, numbers, replace(config, accumulation=parts), Team())
        found.append([loss, *(one.grad.clone() for one in network.parameters())])
    for whole, summed in zip(*found, strict=True):
        assert_close(summed, whole, rtol=1e-4, atol=1e-6)


def test_a_training_in_parts_comes_to_the_same_weights(panel: Panel, config: TrainingConfig) -> None:
    config = replace(config, num_epochs=1, steps_per_epoch=10, dropout=0.2)
    whole, parts = (fit(panel, replace(config, accumulation=one), device="cpu").network for one in (1, 3))
    for one, other in zip(whole.parameters(), parts.parameters(), strict=True):
        assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_the_cpu_keeps_to_full_precision() -> None:
    with autocast(CPU, "bfloat16"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def test_controls_are_exact_where_points_are_not(config: TrainingConfig) -> None:
    torch.manual_seed(0)
    network, context = ShootingNetwork(config), torch.randn(4, config.context_length)
    expected = [(*one.momenta, *one.features) for one in next(network.flow.controls())]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = [(*one.momenta, *one.features) for one in next(exact(network.flow.controls(), CPU))]
        assert network.encoder(context).dtype == torch.bfloat16
        quantiles = network(context, config.horizon).float()
    for one, other in zip(itertools.chain(*found), itertools.chain(*expected), strict=True):
        assert torch.equal(one, other)
    assert_close(quantiles, network(context, config.horizon), rtol=0.1, atol=0.1)


def test_a_precision_that_does_not_exist_is_refused(config: TrainingConfig) -> None:
    with pytest.raises(ConfigurationInvalid, match="bfloat16"):
        replace(config, precision="float8")


def _take_part(rank: int, port: int, folder: Path, panel: Panel, config: TrainingConfig, ends_in: int | None) -> None:
    """What each process does: train, and write down how that ended; the second one may stop or end before that."""
    names = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in names.items()})
    torch.set_num_threads(1)
    epochs: list[Progress] = []

    def should_stop() -> bool:
        if rank == 1 and len(epochs) == ends_in:
            if folder.name == "killed":
                os._exit(9)
            return True
        return False

    with together():
        try:
            checkpoint = fit(
                panel, config, device="cpu", state_path=folder / f"state{rank}", on_epoch=epochs.append,
                should_stop=should_stop,
            )  # fmt: skip
            torch.save((dict(checkpoint.network.named_parameters()), epochs), folder / f"result{rank}")
        except (TrainingCancelled, TrainingPartnerLost) as error:
            (folder / f"error{rank}").write_text(type(error).__name__)


def take_part(folder: Path, panel: Panel, config: TrainingConfig, ends_in: int | None = None) -> None:
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    processes = [
        get_context("spawn").Process(target=_take_part, args=(rank, port, folder, panel, config, ends_in))
        for rank in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(100)
        assert process.exitcode is not None, "a process waits for the other"


@pytest.mark.slow
def test_two_processes_come_to_the_weights_of_one_and_only_the_first_writes(
    panel: Panel, config: TrainingConfig, tmp_path: Path
) -> None:
    config = replace(config, num_epochs=2, steps_per_epoch=10, dropout=0.2, batch_size=65, linear=False)
    alone = fit(panel, config, device="cpu").network
    take_part(tmp_path / "together", panel, config)
    (first, epochs), (second, others) = (torch.load(tmp_path / "together" / f"result{rank}", weights_only=False)
                                         for rank in range(2))  # fmt: skip
    for name, weights in alone.named_parameters():
        assert torch.equal(first[name], second[name])
        assert_close(first[name], weights.detach(), rtol=1e-3, atol=1e-5)
    assert epochs == others
    assert epochs[-1].epoch == config.num_epochs + config.num_refit_epochs
    assert (tmp_path / "together" / "state0").exists()
    assert not (tmp_path / "together" / "state1").exists()


@pytest.mark.slow
def test_a_stop_of_one_process_stops_both(panel: Panel, config: TrainingConfig, tmp_path: Path) -> None:
    take_part(tmp_path / "stopped", panel, config, ends_in=1)
    assert [(tmp_path / "stopped" / f"error{rank}").read_text() for rank in range(2)] == ["TrainingCancelled"] * 2


@pytest.mark.slow
def test_a_process_that_is_killed_ends_the_other_with_an_error(
    panel: Panel, config: TrainingConfig, tmp_path: Path
) -> None:
    take_part(tmp_path / "killed", panel, config, ends_in=1)
    assert (tmp_path / "killed" / "error0").read_text() == "TrainingPartnerLost"
