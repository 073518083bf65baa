import numpy as np
import pytest

from app.errors import LimitExceeded
from app.forecasting import Forecasting, ForecastNotFinite, LoadedVersions, Question, Refusal
from app.stores.references import PRODUCTION
from app.stores.registry import Registry
from model import Checkpoint, CheckpointCorrupt, DuplicateItems, HorizonOutOfRange, Series, SeriesTooShort, Steps


def series(item_id: str = "a", scale: float = 1.0, length: int = 60) -> Series:
    return Series.from_grid(item_id, "2026-01-01", "h", scale * np.sin(np.arange(length) / 4))


def question(*items: Series | Refusal, model: str = "m", steps: int = 3, is_partial: bool = False) -> Question:
    return Question(model, items or (series(),), Steps(steps), (0.1, 0.5, 0.9), is_partial)


@pytest.fixture
def published(registry: Registry, checkpoint: Checkpoint) -> Registry:
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    return registry


@pytest.fixture
def forecasting(published: Registry) -> Forecasting:
    return Forecasting(published, LoadedVersions(2**30), max_steps=100)


def test_an_answer_says_which_version_gave_it(forecasting):
    answer = forecasting.answer(question(series("a"), series("b", length=40)))
    assert (answer.name, answer.version, answer.alias) == ("m", 1, "production")
    assert [one.item_id for one in answer.items] == ["a", "b"]
    assert (answer.points_in, answer.points_out) == (100, 6)
    assert forecasting.answer(question(model="m/1")).alias is None


def test_questions_answered_together_are_answered_as_each_is_alone(forecasting, published, other_checkpoint):
    published.register("m", other_checkpoint)
    questions = [
        question(series("a"), series("b", length=40)),
        question(series("a", scale=2.0), steps=5),
        question(series("c"), model="m/2"),
        question(model="nobody"),
        question(series("d", length=1)),
        question(series("e", scale=3.0)),
        question(steps=10**6),
    ]
    together = dict(forecasting.answer_each(questions))
    assert [type(together[number]).__name__ for number in (3, 4, 6)] == [
        *("ModelNotFound", "SeriesTooShort", "HorizonOutOfRange")
    ]
    for number in (0, 1, 2, 5):
        answer, alone = together[number], forecasting.answer(questions[number])
        assert (answer.version, answer.points_in, answer.points_out) == (
            alone.version,
            alone.points_in,
            alone.points_out,
        )
        for one, expected in zip(answer.items, alone.items, strict=True):
            assert one.item_id == expected.item_id
            assert np.allclose(one.mean, expected.mean, rtol=1e-6, atol=1e-6)
            for level, values in expected.quantiles.items():
                assert np.allclose(one.quantiles[level], values, rtol=1e-6, atol=1e-6)


def test_a_long_forecast_is_answered_after_the_short_ones_it_was_asked_together_with(forecasting):
    questions = [question(steps=100), question(steps=2), question(steps=9), question(steps=2)]
    assert [number for number, _ in forecasting.answer_each(questions)] == [1, 3, 2, 0]


def test_an_answer_that_would_be_too_large_is_refused_before_it_is_computed(published):
    forecasting = Forecasting(published, LoadedVersions(2**30), max_steps=100, max_values=2 * 3 * 3)
    forecasting.answer(question(series("a"), series("b")))
    with pytest.raises(LimitExceeded, match="27 values") as caught:
        forecasting.answer(question(series("a"), series("b"), series("c")))
    assert caught.value.setting == "LONGSHOT_MAX_FORECAST_VALUES"


def test_a_moved_alias_answers_from_the_next_question_on(forecasting, published, other_checkpoint):
    before = forecasting.answer(question())
    published.register("m", other_checkpoint)
    assert forecasting.answer(question()).digest == before.digest
    published.point_alias("m", PRODUCTION, 2, actor="test")
    after = forecasting.answer(question())
    assert (before.version, after.version) == (1, 2)
    assert not np.array_equal(before.items[0].mean, after.items[0].mean)


def test_one_bad_series_fails_alone_only_where_that_was_allowed(forecasting):
    bad = Refusal("bad", SeriesTooShort("bad", 0, 1, "a series"))
    items = (series("a"), bad, series("short", length=1))
    answer = forecasting.answer(question(*items, is_partial=True))
    assert [type(one).__name__ for one in answer.items] == ["ItemForecast", "Refusal", "Refusal"]
    with pytest.raises(SeriesTooShort):
        forecasting.answer(question(*items))


def test_all_series_may_fail(forecasting):
    answer = forecasting.answer(question(steps=0, is_partial=True))
    assert isinstance(answer.items[0].error, HorizonOutOfRange)
    assert answer.points_out == 0


@pytest.mark.parametrize("steps", [0, -1, 101, 10**9, 10**30])
def test_a_horizon_out_of_range_is_refused(forecasting, steps):
    with pytest.raises(HorizonOutOfRange):
        forecasting.answer(question(steps=steps))


def test_repeated_items_are_refused_even_where_one_of_them_fails(forecasting):
    with pytest.raises(DuplicateItems):
        forecasting.answer(question(series("a"), Refusal("a", SeriesTooShort("a", 0, 1, "x")), is_partial=True))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_numbers_that_overflow_are_refused_rather_than_answered_with_nothing(forecasting):
    with pytest.raises(ForecastNotFinite):
        forecasting.answer(question(series("a", scale=1e308)))


def test_a_truncated_checkpoint_is_refused(forecasting, published):
    weights = published.checkpoint_path(published.resolve("m")) / "model.safetensors"
    weights.chmod(0o644)
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(CheckpointCorrupt):
        forecasting.answer(question())
