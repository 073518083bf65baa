"""Who asks for an error does not wait for torch, and every name behind the front door is there."""

import subprocess
import sys

import pytest

import model
from model import front_door


def test_every_name_is_behind_the_front_door_and_no_other() -> None:
    assert all(getattr(model, name) is getattr(front_door, name) for name in front_door.__all__)
    with pytest.raises(AttributeError, match="no 'Nonsense'"):
        model.Nonsense  # noqa: B018


def test_who_asks_for_an_error_does_not_wait_for_torch() -> None:
    program = "import sys; from model import ForecastingError, PanelEmpty; print('torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
