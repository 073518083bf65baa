"""When Python looks for garbage: not while modules load, and never among what they made."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_YOUNG_OBJECTS: Final = 10_000
"""Objects made between two looks at the youngest; Python's own 700 are less than one request makes."""


@contextmanager
def loading() -> Iterator[None]:
    """Lets modules load without looking through them again and again, and leaves what there is then out of later looks.

    A look at a million objects that stay anyway takes a third of a second, in which nobody is answered.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS)
        gc.enable()
