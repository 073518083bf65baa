"""A watch over what comes in: observations are appended as they arrive, and judged by forecasts made before them.

longshot serve                          # in another terminal
python examples/anomaly_watch.py
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from app.client import Longshot

WEEK = 7 * 24
NAMES = {"item_id": "site", "timestamp": "hour", "target": "orders"}
ALARM = 2
"""Half-widths of its interval that an observation has to be away: one in a hundred is beyond 1 by chance alone."""
INCIDENTS = {("shop", "2026-03-03 14:00"), ("app", "2026-03-04 20:00")}


def orders() -> pd.DataFrame:
    """Orders an hour of two sites for nine weeks; at two hours of the last one something goes wrong."""
    noise = np.random.default_rng(0)
    hours = pd.date_range("2026-01-02", periods=9 * WEEK, freq="h", name="hour")
    day = 1 + np.sin(2 * np.pi * (hours.hour.to_numpy() - 8) / 24)
    parts = [
        pd.DataFrame({"site": site, "hour": hours, "orders": noise.poisson(level * day)})
        for site, level in (("shop", 200), ("app", 90))
    ]
    found = pd.concat(parts, ignore_index=True)
    for site, hour in INCIDENTS:
        found.loc[(found["site"] == site) & (found["hour"] == hour), "orders"] = 3
    return found


def arriving(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The rows of one day after the other, as a queue or a scheduled job would bring them."""
    for _, rows in frame.groupby(frame["hour"].dt.date):
        yield rows


def main() -> None:
    """Trains on eight weeks, then watches the ninth day by day."""
    found = orders()
    is_known = found["hour"] < found["hour"].max() - pd.Timedelta(hours=WEEK)
    with Longshot() as longshot:
        dataset = longshot.upload(found[is_known], **NAMES)
        longshot.fit(
            dataset.id,
            model="orders",
            policy="promote",
            horizon=24,
            context_length=WEEK,
            num_epochs=6,
            steps_per_epoch=25,
        )
        for rows in arriving(found[~is_known]):
            longshot.append(dataset.id, rows, **NAMES)
            judged = longshot.detect_anomalies(dataset.id, model="orders", since=rows["hour"].min(), level=99)
            print(f"{rows['hour'].min():%a %d %b}: {len(judged.found)} of {len(judged.frame)} outside their interval")
            for odd in judged.found.query("score > @ALARM").itertuples():
                said = f"{odd.value:.0f} orders, {odd.lower:.0f} to {odd.upper:.0f} expected"
                print(f"  ALARM {odd.item_id} at {odd.timestamp:%H:%M}: {said}")


if __name__ == "__main__":
    main()
