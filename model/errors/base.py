"""The base of every error that is raised on purpose."""

import re


class ForecastingError(Exception):
    """Base of every error that this project raises on purpose.

    Attributes:
        detail: What was found and what is needed.
        hint: What to do about it.
        item_id: The series concerned, where there is one.
    """

    def __init__(self, detail: str, *, hint: str, item_id: str | None = None) -> None:
        super().__init__(f"{detail} {hint}")
        self.detail = detail
        self.hint = hint
        self.item_id = item_id

    @property
    def code(self) -> str:
        """The name of the class in snake case, stable for machines to compare."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()
