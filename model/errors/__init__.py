"""Everything the model can refuse to do.

The tree::

    ForecastingError
    ├── DataError                      a series cannot be used as it is
    │   ├── PanelEmpty
    │   ├── ColumnMissing
    │   ├── DuplicateItems
    │   ├── DuplicateTimestamps
    │   ├── LengthMismatch
    │   ├── ValueInvalid
    │   ├── TimestampInvalid
    │   ├── TimeZonesMixed
    │   ├── AxesMixed
    │   ├── FrequencyInvalid
    │   ├── FrequencyUnknown
    │   ├── SeriesTooShort
    │   ├── CovariateLengthMismatch
    │   ├── CovariateInvalid
    │   └── ObservationConflict
    ├── RequestError                   the question cannot be answered
    │   ├── HorizonOutOfRange
    │   ├── HorizonNotAhead
    │   ├── QuantileLevelOutOfRange
    │   ├── CovariateMissing
    │   ├── ChannelMissing
    │   └── ChannelUnknown
    ├── ConfigurationError             a choice made before training is impossible
    │   ├── ConfigurationInvalid
    │   ├── WarmStartMismatch
    │   └── ShootingArgumentInvalid
    ├── TrainingError                  training ended without a checkpoint
    │   ├── TrainingDiverged
    │   ├── TrainingPartnerLost
    │   └── TrainingCancelled
    ├── CheckpointError                a stored model cannot be trusted
    │   ├── CheckpointMissing
    │   ├── CheckpointCorrupt
    │   └── CheckpointFormatUnsupported
    └── SolverError                    an integration did not finish
        ├── StepBudgetExceeded
        ├── ImplicitStepUnsolved
        └── ControlNotFound

Each group has a file; its names are all to be had here. A message says what was found, what is needed and what to do.
The facts are attributes of the error, so that a caller can act on them without reading prose.
"""

from model.errors.base import *
from model.errors.checkpoint import *
from model.errors.data import *
from model.errors.request import *
from model.errors.solver import *
from model.errors.training import *
