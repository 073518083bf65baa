"""A name does not lead to a version."""

from collections.abc import Sequence

from model import ForecastingError


class RegistryError(ForecastingError):
    """A name does not lead to a version."""


class NameInvalid(RegistryError):
    """A name of a model or an alias with characters it cannot have."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The name {name[:80]!r} cannot be used.",
            hint="Use 1 to 64 lower-case letters, digits, '.', '_' or '-', the first a letter or a digit.",
        )
        self.name = name


class ModelNotFound(RegistryError):
    """No version was ever registered under a name."""

    def __init__(self, name: str, existing: Sequence[str]) -> None:
        super().__init__(
            f"There is no model {name!r}; there {_are(existing)}.",
            hint="Name one of these, or train this one first." if existing else "Train it first.",
        )
        self.name = name
        self.existing = tuple(existing)


class VersionNotFound(RegistryError):
    """A model has no version of a number."""

    def __init__(self, name: str, number: int, existing: Sequence[int]) -> None:
        super().__init__(
            f"The model {name!r} has no version {number}; there {_are(existing)}.",
            hint="Name one of these.",
        )
        self.name = name
        self.number = number
        self.existing = tuple(existing)


class AliasNotFound(RegistryError):
    """A model has no alias of a name."""

    def __init__(self, name: str, alias: str, existing: Sequence[str]) -> None:
        super().__init__(
            f"The model {name!r} has no alias {alias!r}; there {_are(existing)}.",
            hint=f"Name a version by number ({name}/1), or point the alias at one.",
        )
        self.name = name
        self.alias = alias
        self.existing = tuple(existing)


class AliasChanged(RegistryError):
    """An alias was moved since the caller looked at it."""

    def __init__(self, name: str, alias: str, expected: int, found: int) -> None:
        super().__init__(
            f"The alias {name}@{alias} is at revision {found}, not {expected}.",
            hint="Look at it again, and decide anew.",
        )
        self.name = name
        self.alias = alias
        self.expected = expected
        self.found = found


class AliasWithoutPast(RegistryError):
    """An alias that has pointed at one version only has none to return to."""

    def __init__(self, name: str, alias: str, number: int) -> None:
        super().__init__(
            f"The alias {name}@{alias} points at version {number}, and at no other that still exists before.",
            hint="Point it at a version by number instead.",
        )
        self.name = name
        self.alias = alias


class VersionInUse(RegistryError):
    """A version that an alias points at cannot be deleted."""

    def __init__(self, name: str, number: int, aliases: Sequence[str]) -> None:
        super().__init__(
            f"Version {number} of {name!r} is what {', '.join(f'{name}@{one}' for one in aliases)} means.",
            hint="Point the alias at another version first.",
        )
        self.name = name
        self.number = number
        self.aliases = tuple(aliases)


class ModelUnresolved(RegistryError):
    """A name of a foreign protocol that is not registered here, where no default is set."""

    def __init__(self, name: str, existing: Sequence[str]) -> None:
        super().__init__(
            f"There is no model {name[:80]!r} here, and LONGSHOT_DEFAULT_MODEL names none to answer instead; "
            f"there {_are(existing)}.",
            hint="This service answers from versions trained on your series. Train one, by finetune(…, "
            "output_model_id='mine') or POST /v1/training-jobs; then pass model='mine', or have the operator set "
            "LONGSHOT_DEFAULT_MODEL=mine.",
        )
        self.name = name
        self.existing = tuple(existing)


class ModelIsDefault(RegistryError):
    """The model that unknown names mean cannot be deleted."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The model {name!r} is what LONGSHOT_DEFAULT_MODEL names.",
            hint="Have the operator name another one there first.",
        )
        self.name = name


def _are(existing: Sequence[object]) -> str:
    shown = ", ".join(str(one) for one in existing[:20])
    more = f" and {len(existing) - 20} more" if len(existing) > 20 else ""
    return f"{'is' if len(existing) == 1 else 'are'} {shown}{more}" if existing else "is none yet"
