"""Stays in intensive care (PhysioNet/CinC Challenge 2012, set A): 37 channels, observed irregularly over 48 hours."""

import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

HOURS = 48

FACTS = ("Age", "Gender", "Height", "ICUType", "Weight")
"""What is known of a patient on admission; Weight is observed later, too."""

CHANNELS = (
    "Albumin",
    "ALP",
    "ALT",
    "AST",
    "Bilirubin",
    "BUN",
    "Cholesterol",
    "Creatinine",
    "DiasABP",
    "FiO2",
    "GCS",
    "Glucose",
    "HCO3",
    "HCT",
    "HR",
    "K",
    "Lactate",
    "MAP",
    "MechVent",
    "Mg",
    "Na",
    "NIDiasABP",
    "NIMAP",
    "NISysABP",
    "PaCO2",
    "PaO2",
    "pH",
    "Platelets",
    "RespRate",
    "SaO2",
    "SysABP",
    "Temp",
    "TroponinI",
    "TroponinT",
    "Urine",
    "WBC",
    "Weight",
)


@dataclass(frozen=True, eq=False)
class Stays:
    """Every observation, a row each, and what is known of every patient.

    Attributes:
        stay: Its number, ascending; shape (observations,).
        channel: Its place in `CHANNELS`; shape (observations,).
        hour: Since admission; shape (observations,).
        value: In units of its channel's deviation around its mean; shape (observations,).
        facts: Age, gender, height, weight, and one of four units, 0 where unknown; shape (stays, 8).
    """

    stay: NDArray[np.int64]
    channel: NDArray[np.int64]
    hour: NDArray[np.float64]
    value: NDArray[np.float64]
    facts: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.facts)


def read(path: Path) -> Stays:
    """The stays of an archive with a file of times, parameters and values for each.

    Values are standardised over the hourly means of all stays, as the literature does. A channel that never changes is
    left out: it has no deviation.
    """
    frame = _rows(path)
    frame["stay"] = (frame["parameter"] == "RecordID").cumsum() - 1
    clock = frame["time"].str.split(":", expand=True).astype(int)
    frame["hour"] = clock[0] + clock[1] / 60
    on_admission = (frame["hour"] == 0) & frame["parameter"].isin(FACTS)
    facts = frame[on_admission].pivot_table(index="stay", columns="parameter", values="value", aggfunc="first")
    observed = frame[~on_admission & frame["parameter"].isin(CHANNELS) & (frame["value"] >= 0)]
    value = _standardized(observed)
    kept = observed[value.notna()].index
    number = pd.Series(range(len(CHANNELS)), index=CHANNELS)
    return Stays(
        observed.loc[kept, "stay"].to_numpy(copy=True),
        number[observed.loc[kept, "parameter"]].to_numpy(copy=True),
        observed.loc[kept, "hour"].to_numpy(copy=True),
        value[kept].to_numpy(copy=True),
        _facts(facts.reindex(range(frame["stay"].iloc[-1] + 1), columns=FACTS)),
    )


def _rows(path: Path) -> pd.DataFrame:
    with tarfile.open(path) as archive:
        members = sorted((one for one in archive if one.name.endswith(".txt")), key=lambda one: one.name)
        files = (archive.extractfile(one) for one in members)
        bodies = [file.read().split(b"\n", 1)[1] for file in files if file is not None]
    return pd.read_csv(io.BytesIO(b"".join(bodies)), names=["time", "parameter", "value"])


def _standardized(observed: pd.DataFrame) -> pd.Series:
    hourly = observed.groupby(["stay", "parameter", observed["hour"].astype(int)])["value"].mean()
    by_channel = hourly.groupby("parameter")
    spread = by_channel.std(ddof=0)
    spread = spread.where(spread > 0)
    parameter = observed["parameter"]
    return (observed["value"] - parameter.map(by_channel.mean())) / parameter.map(spread)


def _facts(frame: pd.DataFrame) -> NDArray[np.float32]:
    numbers = frame[["Age", "Gender", "Height", "Weight"]].where(lambda one: one >= 0)
    numbers = ((numbers - numbers.mean()) / numbers.std(ddof=0)).clip(-3, 3).fillna(0.0)
    units = np.stack([frame["ICUType"].to_numpy() == kind for kind in (1, 2, 3, 4)], axis=1)
    return np.concatenate([numbers.to_numpy(), units], axis=1).astype(np.float32)
