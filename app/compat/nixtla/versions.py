"""Which version answers, and whether it was trained on steps as long as those of the series sent."""

from app.compat.nixtla.frequencies import INTEGER_TIMES, are_same_step, modern
from app.errors import ModelNotFound, ModelUnresolved, NameInvalid
from app.routes.resources import Resources
from app.schemas.refusals import OptionUnsupported
from app.stores.references import PinnedVersion
from model import Forecaster, FrequencyInvalid, TrainingConfig, is_count


def pin(service: Resources, model: str, finetuned_model_id: str | None = None) -> PinnedVersion:
    """The version meant: the fine-tuned model if one is named, else the model, else the default for unknown names.

    Raises:
        ModelUnresolved: The model is unknown, and there is no default.
        RegistryError: What is named, or the default, leads to no version.
    """
    registry, default = service.registry, service.settings.default_model
    if finetuned_model_id is not None:
        return registry.pin(finetuned_model_id)
    try:
        return registry.pin(model)
    except (ModelNotFound, NameInvalid):
        if not default:
            raise ModelUnresolved(model, [one.name for one in registry.models()]) from None
    return registry.pin(default)


def load(service: Resources, version: PinnedVersion, freq: str) -> Forecaster:
    """A version, loaded to forecast series of a frequency.

    Raises:
        CheckpointError: It cannot be loaded.
        FrequencyInvalid: The frequency is none.
        OptionUnsupported: It is another one than the version was trained on.
    """
    forecaster = service.forecasting.forecaster(version)
    check_step(version, forecaster.config, freq)
    return forecaster


def check_step(version: PinnedVersion, config: TrainingConfig, freq: str) -> None:
    """Refuses a step that the version has not learned: the package has no place for a warning in its tables.

    Raises:
        FrequencyInvalid, OptionUnsupported
    """
    try:
        is_same = (is_count(config.freq) and freq == INTEGER_TIMES) or are_same_step(modern(freq), config.freq)
    except (ValueError, TypeError, OverflowError) as error:
        raise FrequencyInvalid(freq) from error
    if not is_same:
        raise OptionUnsupported(
            "freq",
            f"the series have frequency {freq!r} (integer times are sent as {INTEGER_TIMES!r}), and {version} was "
            f"trained on {config.freq!r}, whose seasons it knows",
            "Name a model trained on this frequency, or train one: client.finetune(df, output_model_id='mine'). "
            "POST /v1/forecasts answers all the same, with a warning.",
        )
