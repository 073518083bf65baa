"""Everything the service can refuse to do, beside what the model refuses.

The tree::

    model.ForecastingError
    ├── RegistryError                  a name does not lead to a version
    │   ├── NameInvalid
    │   ├── ModelNotFound
    │   ├── VersionNotFound
    │   ├── AliasNotFound
    │   ├── AliasChanged               someone else moved it first
    │   ├── AliasWithoutPast           there is nothing to roll back to
    │   ├── VersionInUse               an alias points at it
    │   ├── ModelUnresolved            neither the name nor a default leads to one
    │   └── ModelIsDefault             it is what unknown names mean
    ├── DatasetError                   a stored panel cannot be used
    │   ├── DatasetNotFound
    │   ├── DatasetInUse
    │   ├── DatasetChanged             someone else appended to it first
    │   └── DatasetCorrupt
    ├── ForecastNotFound               no forecast is kept under this id
    ├── JobError                       a job cannot do what was asked
    │   ├── JobNotFound
    │   ├── JobNotCancellable
    │   ├── JobNotResumable
    │   ├── JobAbandoned
    │   ├── TrainingFailed
    │   ├── TrainingUnfinished         it goes on
    │   └── IdempotencyMismatch
    ├── AccessError                    the caller may not do this
    │   ├── KeyMissing
    │   ├── KeyRefused                 unknown, expired or revoked
    │   ├── ScopeMissing
    │   ├── CallerNotLocal             without a key, from elsewhere
    │   ├── KeyNotFound
    │   └── KeyLifetimeInvalid
    ├── LimitError                     more was asked than this service allows
    │   ├── LimitExceeded
    │   ├── RateExceeded
    │   ├── ServiceFull
    │   ├── ErrandsFull
    │   └── CursorInvalid
    └── OperationError                 the service cannot start or go on as it is set up
        ├── SettingInvalid
        ├── HomeUnusable
        ├── DatabaseTooNew
        ├── WorkerAlreadyRunning
        └── NotReady                   something that it needs is missing

Each group has a file; its names are all to be had here. No error knows HTTP: its status is chosen by
`app/web/problems.py`.
"""

from app.errors.access import *
from app.errors.jobs import *
from app.errors.limits import *
from app.errors.operation import *
from app.errors.registry import *
from app.errors.stored import *
