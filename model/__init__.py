"""The front door: the only names the service may import, gathered in `model.front_door`.

All but errors are loaded when the first of them is asked for: they load torch, and who manages keys or starts a worker
does not wait for that.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from model import errors

if TYPE_CHECKING:
    from model.front_door import *  # noqa: F403


def __getattr__(name: str) -> Any:
    if hasattr(errors, name):
        return getattr(errors, name)
    front_door = import_module("model.front_door")
    if name not in front_door.__all__:
        raise AttributeError(f"The front door of the model has no {name!r}.")
    globals().update({one: getattr(front_door, one) for one in front_door.__all__})
    return globals()[name]
