"""Sales with what is known beside them: promotions that are planned, the weather that was, the kind of the shop.

longshot serve                              # in another terminal
python examples/retail_covariates.py
"""

import numpy as np
import pandas as pd

from app.client import Longshot

WEEKS = 4
KINDS = ("station", "mall", "high street")
SHOPS = {f"shop-{number}": (KINDS[number % 3], 100.0 + 25 * number) for number in range(8)}
SHORT = {"num_epochs": 6, "steps_per_epoch": 40}
NAMES = {"item_id": "shop", "timestamp": "day", "target": "sales"}
COVARIATES = {"past": ["rain"], "future": ["promotion"], "static": ["kind"]}


def sales() -> pd.DataFrame:
    """Two years of daily sales: a weekly rhythm, less in the rain, and four fifths more while there is a promotion."""
    random = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=2 * 364, freq="D")
    week = np.array([0.9, 0.85, 0.9, 1.0, 1.25, 1.5, 0.6])[days.day_of_week]
    parts = []
    for shop, (kind, level) in SHOPS.items():
        promotion = np.repeat(random.random(len(days) // 4) < 0.2, 4)
        rain = random.gamma(0.4, 5, size=len(days)).round(1)
        expected = level * week * (1 + 0.8 * promotion) * (1 - 0.01 * np.minimum(rain, 20))
        sold = (expected * (1 + 0.05 * random.normal(size=len(days)))).round()
        parts.append(
            pd.DataFrame({"shop": shop, "day": days, "sales": sold, "promotion": promotion, "rain": rain, "kind": kind})
        )
    return pd.concat(parts, ignore_index=True)


def as_known(frame: pd.DataFrame, today: pd.Timestamp) -> pd.DataFrame:
    """The table as it is on a day: what comes after it has its promotions, which are planned, and nothing else."""
    return frame.assign(**{name: frame[name].where(frame["day"] <= today) for name in ("sales", "rain")})


def main() -> None:
    """Forecasts four weeks with the covariates and without, and compares both with what was sold."""
    frame = sales()
    today = frame["day"].max() - pd.Timedelta(weeks=WEEKS)
    known = as_known(frame, today)
    options = {"policy": "promote", "horizon": 7 * WEEKS, "context_length": 28, "learning_rate": 0.006} | SHORT
    with Longshot() as longshot:
        longshot.fit(known, model="sales", covariates=COVARIATES, **NAMES, **options)
        longshot.fit(known[known["day"] <= today], model="sales-alone", **NAMES, **options)
        informed = longshot.forecast(known, model="sales", horizon=7 * WEEKS, covariates=COVARIATES, **NAMES)
        alone = longshot.forecast(known[known["day"] <= today], model="sales-alone", horizon=7 * WEEKS, **NAMES)
    informed.plot().savefig("sales.png")

    both = informed.frame.merge(alone.frame, on=["shop", "day"], suffixes=("", "_alone")).merge(
        frame, on=["shop", "day"]
    )
    both["with covariates"] = (both["mean"] - both["sales"]).abs()
    both["without"] = (both["mean_alone"] - both["sales"]).abs()
    both["day of"] = both["promotion"].map({True: "a promotion", False: "none"})
    errors = both.groupby("day of")[["with covariates", "without"]].mean()
    errors.loc["all days"] = both[["with covariates", "without"]].mean()
    print(f"Mean absolute error of {WEEKS} weeks, in pieces a day:")
    print(errors.to_string(float_format="%.1f"))


if __name__ == "__main__":
    main()
