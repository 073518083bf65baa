"""Both sides of the comparison compute the same, and the figures say what they are."""

import json
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from benchmarks import speed
from benchmarks.cost import bytes_saved, interleaved_seconds, median_ratio

# Times on the grid of steps: between them torchdiffeq and the flow interpolate each in its own way.
SMALL = speed.Setting("small", 3, 2, 5, 4, 4, 5)


def test_all_sides_compute_the_same_and_have_the_same_gradient() -> None:
    sides = speed.Sides(SMALL)
    assert_close(sides.ours(), sides.joint())
    assert_close(sides.cached(), sides.joint())
    assert_close(sides.cached_coarse(), sides.joint())
    gradients = []
    for side in (sides.joint, sides.ours):
        sides.train(side)
        gradients.append([one.grad for one in (*sides.flow.parameters(), *sides.lift.parameters())])
    assert_close(*gradients)


def test_sides_take_turns_and_the_first_round_is_not_measured() -> None:
    turns: list[str] = []
    found = interleaved_seconds({"a": lambda: turns.append("a"), "b": lambda: turns.append("b")}, 3)
    assert turns == ["a", "b"] * 4
    assert [len(seconds) for seconds in found.values()] == [3, 3]
    assert median_ratio([2.0, 9.0, 4.0], [1.0, 3.0, 4.0]) == 2.0


def test_what_autograd_keeps_is_counted_once() -> None:
    w = torch.ones(100, requires_grad=True)
    assert bytes_saved(w.square) == 400
    assert bytes_saved(lambda: w.exp().square().sum()) == 400
    assert bytes_saved(w.sum) == 0


@pytest.mark.slow
def test_the_records_hold_what_is_needed_to_quote_them(tmp_path: Path) -> None:
    file = tmp_path / "speed.json"
    assert speed.main(["--flow", "--quick", "--json", str(file)]) == 0
    records = {record["name"]: record for record in json.loads(file.read_text())}
    step = records["speed.flow.rotated_digits.training_step"]
    assert step["unit"] == "ms"
    assert {"joint system", "reference code"} <= set(step["compared_with"])
    assert step["settings"]["batch"] == 25
    assert "torch" in step["environment"]
    kinds = {"forward", "cached", "cached_coarse", "training_step", "saved", "peak"}
    assert {name.rpartition(".")[2] for name in records} == kinds
    assert all(record["value"] >= 0 for record in records.values())
