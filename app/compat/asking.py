"""What forecasts have in common in whichever protocol they are asked for: the model meant, and what is accounted."""

from app.forecasting import Answer
from app.routes.permissions import SpendPoints
from app.routes.resources import Resources
from app.schemas.refusals import ModelUnnamed


def named(service: Resources, model: str | None) -> str:
    """The model that a request names, or else the default.

    Raises:
        ModelUnnamed: There is neither.
    """
    found = model or service.settings.default_model
    if not found:
        raise ModelUnnamed([one.name for one in service.registry.models()])
    return found


def account(service: Resources, spend: SpendPoints, answer: Answer) -> None:
    """Counts what an answer took, as the service's own routes do."""
    spend(answer.points_in + answer.points_out)
    service.metrics.count_answer(answer)
