import threading
from dataclasses import replace

import numpy as np
import pytest

from app.jobs.events import JobEvents
from app.jobs.values import TrainingJob, TrainingRequest
from app.promotion import Comparison, Exam, carry_out, judge
from app.stores.audit_log import AuditLog
from app.stores.references import PRODUCTION
from app.stores.registry import Registry
from app.training import TrainingPlan, train
from app.workshop import Workshop
from model import Cutoffs, Forecaster, Panel, Series, backtest, choose_config, fit
from tests.app.conftest import TINY, make_panel
from tests.app.test_training import LEARNS, jumping_panel

CUTOFFS = Cutoffs(6, 3)


def examined(registry: Registry, panel: Panel, options, name: str = "m"):
    """Trains on all but the end of a panel, and registers with the report on that end."""
    kept = Panel(tuple(one.until(one.timestamps[-19]) for one in panel))
    checkpoint = fit(kept, choose_config(kept, options))
    return registry.register(name, checkpoint, report=backtest(Forecaster(checkpoint), panel, CUTOFFS))


def test_both_rivals_are_measured_on_the_same_held_back_windows(registry: Registry):
    panel = jumping_panel()
    old = examined(registry, panel, replace(TINY, seed=9))
    registry.point_alias("m", PRODUCTION, old.number, actor="test")
    new = examined(registry, panel, LEARNS)
    found = judge(registry, new, "promote_if_better", Exam(panel, CUTOFFS, 24)).comparison
    expected = {one: backtest(Forecaster.load(registry.checkpoint_path(one)), panel, CUTOFFS) for one in (old, new)}
    assert found == Comparison(
        num_forecasts=3,
        own=expected[new].mase("longshot"),
        naive=expected[new].mase("seasonal_naive"),
        rival_number=old.number,
        rival=expected[old].mase("longshot"),
        rival_has_seen=False,
    )


def test_a_rival_of_another_season_is_measured_with_the_same_unit(registry: Registry):
    panel = jumping_panel()
    daily = Panel((Series.from_grid("d", "2025-01-01", "D", np.sin(np.arange(200.0) * 2 * np.pi / 7)),))
    rival = registry.register("m", fit(daily, choose_config(daily, TINY)))
    registry.point_alias("m", PRODUCTION, rival.number, actor="test")
    new = examined(registry, panel, TINY)
    assert (rival.config.season_length, new.config.season_length) == (7, 24)
    found = judge(registry, new, "promote_if_better", Exam(panel, CUTOFFS, 24)).comparison
    report = backtest(Forecaster.load(registry.checkpoint_path(rival)), panel, CUTOFFS, season_length=24)
    assert found.rival == report.mase("longshot")
    assert report.mase("seasonal_naive") == pytest.approx(found.naive)


@pytest.mark.parametrize(
    ("own", "naive", "rival", "is_won"),
    [
        (0.8, 1.0, 0.9, True),
        (0.8, 1.0, 0.7, False),
        (1.1, 1.0, 1.2, False),
        (1.0, 1.0, 1.2, False),
        (0.8, 1.0, 0.8, False),
        (0.8, 1.0, None, True),
        (1.1, 1.0, None, False),
        (float("nan"), 1.0, 0.9, False),
    ],
)
def test_only_a_version_better_than_both_wins(own, naive, rival, is_won):
    found = Comparison(4, own, naive, 1, rival, rival_has_seen=False)
    assert found.is_won == is_won
    assert f"{naive:.3f}" in str(found)
    assert ("cannot forecast" if rival is None else f"{rival:.3f}") in str(found)


@pytest.mark.parametrize(("num_forecasts", "said"), [(1, "over 1 forecast of"), (12, "over 12 forecasts of")])
def test_a_comparison_counts_its_forecasts(num_forecasts, said):
    assert said in str(Comparison(num_forecasts, 1.0, 2.0, 1, 3.0, rival_has_seen=False))


def test_a_rival_that_has_seen_what_it_is_compared_on_is_named_as_such(registry: Registry):
    panel = jumping_panel()
    rival = registry.register("m", fit(panel, choose_config(panel, TINY)))
    registry.point_alias("m", PRODUCTION, rival.number, actor="test")
    verdict = judge(registry, examined(registry, panel, TINY), "promote_if_better", Exam(panel, CUTOFFS, 24))
    assert "version 1, which has seen some of it, has" in verdict.decision


def test_only_series_whose_ends_were_held_back_are_examined(registry: Registry):
    """The last two horizons of one series hold too much of it to be held back, the last one alone does not."""
    whole = jumping_panel(300).series[0]
    hours = np.concatenate([np.arange(225.0), 225 + np.arange(40) * 6 / 40, 231 + np.arange(1, 36) * 6 / 35])
    stamps = whole.timestamps[0] + (hours * 3_600_000_000).astype("timedelta64[us]")
    crowded = Series("b", stamps, 10 + np.sin(hours / 4), "h", "UTC")
    version = train(registry, Panel((whole, crowded)), TrainingPlan("m", "test", TINY)).version
    assert version.report.num_cutoffs == version.report.num_forecasts == 2


def test_someone_who_points_the_alias_meanwhile_wins(registry: Registry, checkpoint, other_checkpoint):
    new = registry.register("m", checkpoint)
    verdict = judge(registry, new, "promote", None)
    registry.register("m", other_checkpoint)
    registry.point_alias("m", PRODUCTION, 2, actor="somebody")
    done = carry_out(registry, new, verdict, actor="test")
    assert (done.promotes, registry.resolve("m").number) == (False, 2)
    assert "someone has just pointed it" in done.decision


def test_why_a_version_was_promoted_or_not_is_an_event_and_in_the_audit_log(
    database, datasets, registry, jobs, ledger, settings
):
    workshop = Workshop(database, datasets, registry, jobs, ledger, settings.training_path, threading.Event())
    dataset = datasets.add(make_panel()).id
    submitted = [jobs.submit(TrainingRequest("m", dataset, TINY)) for _ in range(2)]
    for one in submitted:
        workshop.work(one.id)
    first, second = (jobs.get(one.id, TrainingJob) for one in submitted)
    for job in (first, second):
        told = [(one.kind, one.detail) for one in JobEvents(database).since(job.id, 0).items]
        assert told[-2:] == [("decision", job.decision), ("state", job.decision)]
    entries = [one.change for one in reversed(AuditLog(database).list().items)]
    assert [(one.action, one.actor) for one in entries] == [
        ("version.trained", f"job:{first.id}"),
        ("alias.moved", f"job:{first.id}"),
        ("version.trained", f"job:{second.id}"),
    ]
    assert entries[1].details == {"version": 1}
    scores = {score.method: f"{score.mase:.4f}" for score in registry.version("m", 2).report.scores}
    assert entries[2].details["decision"] == second.decision
    assert entries[2].details["mase"] == scores["longshot"]
    assert entries[2].details["seasonal_naive_mase"] == scores["seasonal_naive"]
    assert entries[2].details["production_version"] == 1


def test_a_training_cut_off_after_it_promoted_still_says_why(registry: Registry):
    plan = TrainingPlan("m", "test", TINY, job_id="job_1")
    decided = train(registry, make_panel(), plan)
    again = train(registry, make_panel(), replace(plan, earlier_decision=decided.decision))
    assert again.verdict == replace(decided.verdict, expected=1)
    assert len(registry.history("m", PRODUCTION)) == 1
