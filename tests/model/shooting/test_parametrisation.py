"""What is learned starts as asked, and a course says what its control depends on."""

import pytest
import torch

from model import ShootingArgumentInvalid
from model.shooting.parametrisation import PARAMETRISATIONS, parametrise
from tests.model.shooting.conftest import make_field


@pytest.mark.parametrize("name", ["particles_static", "particles_dynamic"])
def test_particles_are_spread_as_asked(name: str) -> None:
    torch.manual_seed(0)
    dynamics = make_field("updown_universal", "relu")
    held = parametrise(name, dynamics, num_particles=500, particle_spread=0.2)
    for parameter in held.parameters():
        assert float(parameter.detach().std()) == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize("spread", [0.0, -1.0, float("nan"), float("inf")])
def test_a_spread_that_is_not_positive_is_refused(spread: float) -> None:
    with pytest.raises(ShootingArgumentInvalid, match="particle_spread"):
        parametrise("particles_dynamic", make_field("updown_universal", "relu"), particle_spread=spread)


@pytest.mark.parametrize("name", PARAMETRISATIONS)
def test_every_parameter_reaches_the_control_by_the_course(name: str) -> None:
    held = parametrise(name, make_field("updown_universal", "relu"), num_particles=3, num_pieces=2)
    course = held.course()
    told = {id(tensor) for tensor in (*course.learned, *course.companions)}
    assert told == {id(parameter) for parameter in held.parameters()}
