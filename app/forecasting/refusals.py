"""Series that get no forecast: each alone where that was allowed, otherwise with all the rest."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model import DuplicateItems, ForecastingError, ItemForecast, RequestError, Series


class ForecastNotFinite(RequestError):
    """Numbers so large, or so far apart, that calculating with them overflows."""

    def __init__(self, item_id: str) -> None:
        super().__init__(
            f"The forecast of series {item_id!r} is not a finite number.",
            hint="Its observations are too large, or too far apart: give them in another unit.",
            item_id=item_id,
        )


@dataclass(frozen=True)
class Refusal:
    """A series that gets no forecast, and why."""

    item_id: str | None
    error: ForecastingError


def refuse_duplicates(items: Sequence[Series | Refusal]) -> None:
    """Raises DuplicateItems where two have one name, whether or not one of them is refused."""
    seen: set[str] = set()
    for one in items:
        if one.item_id is not None and one.item_id in seen:
            raise DuplicateItems(one.item_id)
        seen.add(one.item_id or "")


def refuse_unless_partial(items: Sequence[object], *, is_partial: bool) -> None:
    """Raises the error of the first series refused, unless each may fail alone."""
    refused = next((one for one in items if isinstance(one, Refusal)), None)
    if refused is not None and not is_partial:
        raise refused.error


def finite_only(items: Sequence[ItemForecast | Refusal]) -> tuple[ItemForecast | Refusal, ...]:
    """The same, with a refusal in the place of each forecast that is not finite."""
    paths = [path for one in items if isinstance(one, ItemForecast) for path in (one.mean, *one.quantiles.values())]
    # One look at all of them is enough for nearly every answer.
    if not paths or np.isfinite(np.concatenate(paths)).all():
        return tuple(items)
    return tuple(one if isinstance(one, Refusal) or _is_finite(one) else _not_finite(one) for one in items)


def _is_finite(forecast: ItemForecast) -> bool:
    return all(np.isfinite(path).all() for path in (forecast.mean, *forecast.quantiles.values()))


def _not_finite(forecast: ItemForecast) -> Refusal:
    return Refusal(forecast.item_id, ForecastNotFinite(forecast.item_id))
