"""What was made while modules loaded is left out of later looks for garbage."""

import gc

import pytest

from app.collector import loading


@pytest.fixture(autouse=True)
def _as_before():
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_nothing_is_looked_through_while_modules_load_nor_later_what_they_made():
    with loading():
        assert not gc.isenabled()
        made = [[number] for number in range(1000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= len(made)
    assert not any(one is made for one in gc.get_objects())


def test_a_module_that_fails_to_load_leaves_the_collector_running():
    with pytest.raises(RuntimeError), loading():
        raise RuntimeError
    assert gc.isenabled()
