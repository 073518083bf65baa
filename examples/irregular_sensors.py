"""Sensors that report when they like: random timestamps, an outage, and a question for a moment between the steps.

longshot serve                              # in another terminal
python examples/irregular_sensors.py
"""

import numpy as np
import pandas as pd

from app.client import Longshot

DAY = pd.Timedelta("1D")
SENSORS = {"cellar": 12.0, "roof": 18.0, "yard": 15.0}


def temperature(times: pd.DatetimeIndex, level: float) -> np.ndarray:
    """What a sensor would measure if it were perfect."""
    return level + 4 * np.sin(2 * np.pi * ((times.hour + times.minute / 60).to_numpy() / 24 - 0.3))


def readings(name: str, level: float, noise: np.random.Generator) -> pd.DataFrame:
    """Two weeks of temperatures, every quarter of an hour or so; the roof's sensor is away for a day."""
    minutes = np.cumsum(1 + noise.exponential(14, size=14 * 24 * 4))
    times = pd.Timestamp("2026-05-01", tz="Europe/Berlin") + pd.to_timedelta(minutes, unit="min").floor("s")
    values = temperature(times, level) + 0.3 * noise.normal(size=len(times))
    found = pd.DataFrame({"sensor": name, "measured_at": times, "temperature": values.round(2)})
    is_away = found["measured_at"].between(times[0] + 5 * DAY, times[0] + 6 * DAY)
    return found[~is_away] if name == "roof" else found


def main() -> None:
    """Trains on what the sensors sent as it is, and asks for three moments of the next day."""
    noise = np.random.default_rng(0)
    history = pd.concat(readings(name, level, noise) for name, level in SENSORS.items())
    names = {"item_id": "sensor", "timestamp": "measured_at", "target": "temperature"}
    gaps = history.groupby("sensor")["measured_at"].diff().dt.total_seconds() / 60
    print(f"{len(history)} readings, {gaps.min():.1f} minutes to {gaps.max() / 60:.0f} hours apart.")

    start = history["measured_at"].max().floor("D") + DAY
    moments = [start + pd.Timedelta(one) for one in ("3h12min", "14h40min", "23h59min")]
    with Longshot() as longshot:
        for finding in longshot.audit(history, **names).tallies:
            print(f"The audit notes {finding['code']} in {finding['num_items']} series.")
        job = longshot.fit(
            history,
            model="sensors",
            policy="promote",
            freq="30min",
            horizon=48,
            context_length=144,
            num_epochs=6,
            steps_per_epoch=25,
            **names,
        )
        forecast = longshot.forecast(history, model="sensors", horizon=moments, freq="30min", **names)

    found = forecast.frame
    times = pd.DatetimeIndex(found["measured_at"])
    found["really"] = temperature(times, found["sensor"].map(SENSORS).to_numpy())
    print(f"{job.version}, asked for the very moments:")
    print(found.to_string(index=False, float_format="%.1f"))


if __name__ == "__main__":
    main()
