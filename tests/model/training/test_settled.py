"""What validation settled, in words."""

from dataclasses import replace

from model import Checkpoint
from model.networks.cycles import Cycles
from model.networks.lens import Lens
from model.networks.precedents import Precedents
from model.training.settled import settled


def test_shares_of_cycles_and_of_lenses_are_told_apart_and_none_is_lost(checkpoint: Checkpoint) -> None:
    """Two kinds of cycles may have the same number of periods."""
    looks = (Cycles(2, relative=False), Lens(24, 4.0, 0.1, relative=True), Cycles(2, relative=True))
    validation = replace(checkpoint.validation, precedents=Precedents(looks, (0.5, 0.25, 0.125)))
    found = {one.choice: one for one in settled(checkpoint.network, 0.0, validation)}
    assert (found["precedent_share"].value, found["cycle_share"].value) == ("25%", "62%")
    assert "the last 2 together" in found["cycle_share"].why
