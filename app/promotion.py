"""Whether a new version takes over the alias production: compared on what was held back, decided, and said why."""

from collections.abc import Callable
from dataclasses import dataclass

from app.errors import AliasChanged, AliasNotFound
from app.exams import Exam
from app.jobs.values import PromotionPolicy
from app.stores.references import PRODUCTION
from app.stores.registry import Registry
from app.stores.versions import AliasState, Version
from model import BacktestReport, Forecaster, ForecastingError, TrainingCancelled


@dataclass(frozen=True)
class Comparison:
    """The MASE of a new version, of the seasonal naive forecast and of the version in production, on the same cutoffs.

    Attributes:
        num_forecasts: How many.
        own: The new version's.
        naive: The seasonal naive forecast's.
        rival_number: The version in production.
        rival: Its MASE; None if it cannot make these forecasts.
        rival_has_seen: Whether it was trained on some of what they are compared with.
    """

    num_forecasts: int
    own: float
    naive: float
    rival_number: int
    rival: float | None
    rival_has_seen: bool

    @property
    def is_won(self) -> bool:
        """Whether the new version is better than both."""
        return self.own < self.naive and (self.rival is None or self.own < self.rival)

    def __str__(self) -> str:
        against = f"the seasonal naive forecast's {self.naive:.3f}"
        own = f"its MASE of {self.own:.3f} {'beats' if self.own < self.naive else 'does not beat'} {against}"
        forecasts = "1 forecast" if self.num_forecasts == 1 else f"{self.num_forecasts} forecasts"
        return f"{own}, {self._beside_rival()}, over {forecasts} of what was held back"

    def _beside_rival(self) -> str:
        if self.rival is None:
            return f"and version {self.rival_number} cannot forecast these series"
        seen = ", which has seen some of it," if self.rival_has_seen else ""
        return f"where version {self.rival_number}{seen} has {self.rival:.3f}"


@dataclass(frozen=True)
class Verdict:
    """Whether to promote a version, and why.

    Attributes:
        decision: What becomes of the alias, and why, in a sentence.
        expected: The revision of the alias that this was decided on; 0 if there was none.
        comparison: What it was decided by, if anything was compared.
        promotes: Whether to point the alias at the version.
    """

    decision: str
    expected: int
    comparison: Comparison | None = None
    promotes: bool = False


def judge(
    registry: Registry,
    version: Version,
    policy: PromotionPolicy,
    exam: Exam | None,
    *,
    earlier_decision: str | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Verdict:
    """Decides whether a version is to be promoted, and moves nothing.

    Args:
        registry: Where it is registered.
        version: The version, with its report on the exam.
        policy: What was asked for; the first version of a name is promoted in any case.
        exam: What it was examined on; None where nothing could be held back.
        earlier_decision: What was decided when this was begun before and cut off.
        should_stop: Asked before each forecast.

    Raises:
        TrainingCancelled: `should_stop` said so.
    """
    current = _current(registry, version.name)
    if current is None:
        return _moves(version, 0, "nothing was in production before")
    if current.number == version.number:
        # Begun before: the alias has moved, but perhaps nothing was said about it yet.
        points = f"{PRODUCTION} points at version {version.number}."
        return Verdict(earlier_decision or points, current.revision, promotes=earlier_decision is not None)
    if policy == "promote":
        return _moves(version, current.revision, "the policy is to promote every version")
    if policy == "register":
        return _stays(current, "the policy is only to register")
    if version.report is None or exam is None or version.report.overlaps_training:
        return _stays(current, _incomparable(version.report))
    found = _compare(registry, version.report, current, exam, should_stop)
    return _moves(version, current.revision, str(found), found) if found.is_won else _stays(current, str(found), found)


def carry_out(registry: Registry, version: Version, verdict: Verdict, *, actor: str) -> Verdict:
    """Moves the alias if that was decided; what has really become of it."""
    if not verdict.promotes:
        return verdict
    try:
        registry.point_alias(version.name, PRODUCTION, version.number, actor=actor, expected=verdict.expected)
    except AliasChanged:
        decision = f"{PRODUCTION} stays where someone has just pointed it."
        return Verdict(decision, verdict.expected, verdict.comparison)
    return verdict


def _current(registry: Registry, name: str) -> AliasState | None:
    try:
        return registry.alias(name, PRODUCTION)
    except AliasNotFound:
        return None


def _moves(version: Version, expected: int, reason: str, comparison: Comparison | None = None) -> Verdict:
    decision = f"{PRODUCTION} now points at version {version.number}: {reason}."
    return Verdict(decision, expected, comparison, promotes=True)


def _stays(current: AliasState, reason: str, comparison: Comparison | None = None) -> Verdict:
    return Verdict(f"{PRODUCTION} stays at version {current.number}: {reason}.", current.revision, comparison)


def _incomparable(report: BacktestReport | None) -> str:
    if report is not None and report.overlaps_training:
        return "what was held back may have been seen by the version that it started from"
    return "the series are too short to hold something back and compare"


def _compare(
    registry: Registry, own: BacktestReport, current: AliasState, exam: Exam, should_stop: Callable[[], bool]
) -> Comparison:
    rival = _rival(registry, current, exam, should_stop)
    return Comparison(
        num_forecasts=own.num_forecasts,
        own=own.mase("longshot"),
        naive=own.mase("seasonal_naive"),
        rival_number=current.number,
        rival=None if rival is None else rival.mase("longshot"),
        rival_has_seen=rival is not None and rival.overlaps_training,
    )


def _rival(
    registry: Registry, current: AliasState, exam: Exam, should_stop: Callable[[], bool]
) -> BacktestReport | None:
    try:
        path = registry.checkpoint_path(registry.version(current.name, current.number))
        return exam.report(Forecaster.load(path), should_stop)
    except TrainingCancelled:
        raise
    except ForecastingError:
        return None
