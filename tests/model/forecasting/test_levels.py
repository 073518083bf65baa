"""Quantiles at the levels asked for."""

from statistics import NormalDist

import numpy as np

from model.forecasting.levels import at_levels

KNOWN = (0.1, 0.25, 0.5, 0.75, 0.9)


def _normal(levels: tuple[float, ...]) -> np.ndarray:
    return np.array([NormalDist(5, 2).inv_cdf(level) for level in levels])


def test_quantiles_of_a_normal_distribution_stay_its_own_at_any_level_within_and_beyond_the_known_ones() -> None:
    wanted = (0.01, 0.1, 0.4, 0.5, 0.83, 0.995)
    found = at_levels([wanted], KNOWN, np.tile(_normal(KNOWN), (1, 3, 1)))
    np.testing.assert_allclose(found[0], np.tile(_normal(wanted)[:, None], (1, 3)))


def test_each_gets_the_levels_that_it_asked_for_whoever_asks_beside_it() -> None:
    quantiles = np.sort(np.random.default_rng(0).normal(size=(3, 4, 5)), axis=-1)
    asked = [(0.2, 0.8), (0.5,), (0.2, 0.8)]
    together = at_levels(asked, KNOWN, quantiles)
    alone = [at_levels([one], KNOWN, quantiles[[row]])[0] for row, one in enumerate(asked)]
    assert [one.shape for one in together] == [(2, 4), (1, 4), (2, 4)]
    for one, same in zip(together, alone, strict=True):
        np.testing.assert_allclose(one, same)


def test_levels_close_to_each_other_do_not_cross_even_where_the_known_quantiles_do() -> None:
    crossing = np.array([[[1.0, 0.5, 2.0, 1.5, 3.0]]])
    path = at_levels([tuple(np.linspace(0.05, 0.95, 19))], KNOWN, crossing)[0]
    assert (np.diff(path, axis=0) >= 0).all()
