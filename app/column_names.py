"""Which columns of a table are meant: those that are named, or else those that look like it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

Role = Literal["item_id", "timestamp", "target"]

_USUAL: Final = {
    "item_id": ("item_id", "unique_id", "id"),
    "timestamp": ("timestamp", "ds", "date", "datetime", "time"),
    "target": ("target", "y", "value"),
}
_MEANINGS: Final = {"item_id": "names of the series", "timestamp": "timestamps", "target": "observations"}
_LOOKS: Final = {"timestamp": "timestamps, such as 2026-01-31T08:00", "target": "numbers only"}


class ColumnsUnclear(Exception):
    """It cannot be told which column is meant; whoever asked says it in the words of his own interface.

    Attributes:
        reason: What was found, in a sentence.
        role: What has to be named; None where what was named is not there.
        may_be_wide: Whether several columns could be the observations, so that each may be a series of its own.
    """

    def __init__(self, reason: str, role: Role | None = None, *, may_be_wide: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.role = role
        self.may_be_wide = may_be_wide


@dataclass(frozen=True)
class ColumnNames:
    """The columns of a table in long form, one observation a row.

    Attributes:
        item_id: Names the series; None where the table is a single one.
        timestamp: The timestamps.
        target: The observations.
        notes: What was guessed, in sentences.
        covariates: What is known beside the observations: the columns of each kind.
    """

    item_id: str | None
    timestamp: str
    target: str
    notes: tuple[str, ...] = ()
    covariates: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """All of them, none twice."""
        beside = (name for names in self.covariates.values() for name in names)
        roles = (self.item_id, self.timestamp, self.target, *beside)
        return list(dict.fromkeys(one for one in roles if one is not None))


@dataclass(frozen=True)
class Found:
    """The columns that a table has.

    Attributes:
        names: All of them.
        times: Those that hold points in time by their type.
        numbers: Those that hold numbers by their type.
    """

    names: Sequence[str]
    times: Sequence[str]
    numbers: Sequence[str]


def choose_names(
    found: Found, *, item_id: str | None, timestamp: str | None, target: str | None, beside: Sequence[str] = ()
) -> ColumnNames:
    """The columns that are meant; what is not named is guessed by name, then by type, and never one that is `beside`.

    Raises:
        ColumnsUnclear: A column that was named is not there, or there is none or more than one to be guessed.
    """
    for named in (item_id, timestamp, target, *beside):
        if named is not None and named not in found.names:
            raise ColumnsUnclear(f"There is no column {named!r}; the columns are {_listed(found.names)}.")
    taken = {one for one in (item_id, timestamp, target, *beside) if one is not None}
    when = timestamp or _guess("timestamp", found, found.times, taken)
    what = target or _guess("target", found, found.numbers, taken | {when})
    who = item_id or _look("item_id", found, taken | {when, what})
    guessed = [("item_id", item_id, who), ("timestamp", timestamp, when), ("target", target, what)]
    notes = [
        f"Column {name!r} was taken for the {_MEANINGS[role]}."
        for role, named, name in guessed
        if named is None and name not in (None, role)
    ]
    return ColumnNames(who, when, what, tuple(notes))


def _guess(role: Literal["timestamp", "target"], found: Found, of_type: Sequence[str], taken: set[str]) -> str:
    by_name = _look(role, found, taken)
    if by_name is not None:
        return by_name
    others = set(_USUAL["item_id"])
    by_type = [one for one in of_type if one not in taken and one.lower() not in others]
    if len(by_type) == 1:
        return by_type[0]
    reason = f"Which column holds the {_MEANINGS[role]}? The columns are {_listed(found.names)}."
    reason += "" if by_type else f" None of them clearly holds {_LOOKS[role]}."
    raise ColumnsUnclear(reason, role, may_be_wide=role == "target" and len(by_type) > 1)


def _look(role: Role, found: Found, taken: set[str]) -> str | None:
    """The column with the name that is usual for a role; it may be written in capitals."""
    left = [one for one in found.names if one not in taken]
    if role in left:
        return role
    usual = [one for one in left if one.lower() in _USUAL[role]]
    if len(usual) > 1:
        raise ColumnsUnclear(f"{_listed(usual)} could all hold the {_MEANINGS[role]}.", role)
    return usual[0] if usual else None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names)) or "none"
