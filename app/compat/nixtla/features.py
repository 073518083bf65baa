"""Exogenous features of a payload: which covariate of the version each of them is, and its values, series by series."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.compat.nixtla.payloads import AskingPayload
from app.schemas.refusals import OptionUnsupported
from app.stores.references import PinnedVersion
from model import TrainingConfig

Values = NDArray[np.float64]


@dataclass(frozen=True)
class FeatureNames:
    """The covariates that the features are, in the order in which they are sent.

    Attributes:
        future: Those known in advance.
        past: Those known once they have happened.
    """

    future: tuple[str, ...] = ()
    past: tuple[str, ...] = ()


def name_features(
    payload: AskingPayload, num_past: int, version: PinnedVersion, config: TrainingConfig
) -> FeatureNames:
    """Which covariates of a version the features of a payload are.

    The package sends columns without their names. They are what the caller says, or else the only ones of their kind.

    Args:
        payload: What was sent.
        num_past: How many of its features, the last ones, are known only once they have happened.
        version: The version.
        config: Its configuration.

    Raises:
        OptionUnsupported: They are not those that the version was trained with, or it cannot be told which is which.
    """
    num_features = len(payload.series.X or ())
    named = payload.feature_names
    if num_features == 0 and named is None:
        return FeatureNames()
    num_future = num_features - num_past
    used = FeatureNames(
        tuple(one.name for one in config.covariates.future), tuple(one.name for one in config.covariates.past)
    )
    if named is not None:
        given = FeatureNames(named[:num_future], named[num_future:])
        if len(named) == num_features and _same(given.future, used.future) and _same(given.past, used.past):
            return given
    elif max(num_future, num_past) <= 1 and (num_future, num_past) == (len(used.future), len(used.past)):
        return used
    raise _refusal(version, used, named, num_future, num_past)


def _same(given: Sequence[str], used: Sequence[str]) -> bool:
    return sorted(given) == sorted(used)


def _refusal(
    version: PinnedVersion, used: FeatureNames, named: tuple[str, ...] | None, num_future: int, num_past: int
) -> OptionUnsupported:
    needed = f"in advance {_list(used.future)}, of the past {_list(used.past)}"
    if not used.future and not used.past:
        reason, hint = f"{version} was trained without covariates", "Leave the features out, or train one with them."
    elif named is None and (num_future, num_past) == (len(used.future), len(used.past)):
        reason = f"the package sends features without their names, and {version} uses several: {needed}"
        hint = (
            "Name them in the order of the columns, those of X_df first: "
            f"model_parameters={{'features': {[*used.future, *used.past]}}}."
        )
    else:
        sent = _list(named) if named is not None else f"{num_future} in advance and {num_past} of the past"
        reason, hint = f"{version} uses {needed}, and was sent {sent}", "Send exactly those that it was trained with."
    return OptionUnsupported("X", reason, hint)


def _list(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names)) or "none"


def values_of(rows: Sequence[Sequence[float | str | None]], first: int, last: int) -> tuple[Values, ...]:
    """A part of every row of features; what is missing is NaN.

    Raises:
        OptionUnsupported: One of them is no number.
    """
    try:
        return tuple(
            np.array([np.nan if one is None else one for one in row[first:last]], dtype=np.float64) for row in rows
        )
    except ValueError as error:
        raise OptionUnsupported(
            "X", "a feature holds something that is no number", "Encode it as numbers, as it was when training."
        ) from error
