import inspect
import re

import app.errors
from model import ForecastingError

OURS = [one for _, one in inspect.getmembers(app.errors, inspect.isclass) if one.__module__.startswith("app.")]


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn = set(re.findall(r"── (\w+)", app.errors.__doc__ or ""))
    assert drawn == {one.__name__ for one in OURS}


def test_a_message_lists_what_exists_so_that_the_caller_can_choose() -> None:
    assert "there are a, b." in app.errors.ModelNotFound("c", ["a", "b"]).detail
    assert "there is none yet." in app.errors.ModelNotFound("c", []).detail
    assert app.errors.ModelNotFound("c", []).hint == "Train it first."
    assert "and 30 more" in app.errors.VersionNotFound("c", 99, range(50)).detail


def test_every_error_is_one_that_the_service_raises_on_purpose() -> None:
    assert all(issubclass(one, ForecastingError) for one in OURS)
