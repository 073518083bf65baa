"""What the package asks about keys, limits and models before it asks about series."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from app.compat.nixtla import versions
from app.errors import RegistryError
from app.routes.bodies import answer
from app.routes.permissions import ANONYMOUS, ANY_KEY, CurrentCaller
from app.routes.resources import Service
from app.stores.references import PRODUCTION
from model import memory_of

_UNKNOWN_INPUT: Final = 10_000
_UNKNOWN_HORIZON: Final = 1_000
"""What is told while there is no version at all; whatever is asked then is refused."""

router = APIRouter(prefix="/compat/nixtla", include_in_schema=False)


@router.get("/validate_api_key", dependencies=[ANY_KEY])
def get_validity(caller: CurrentCaller) -> Response:
    """Whether a key opens anything; one that does not is refused before this."""
    is_key = caller.id != ANONYMOUS
    return answer({"detail": f"The key is {caller.id}." if is_key else "This service asks for no key yet."})


@router.get("/usage", dependencies=[ANY_KEY])
def get_usage(caller: CurrentCaller) -> Response:
    """What the caller has asked for in this minute, and may; months are not counted here."""
    names = {"requests": "minute", "points": "points_per_minute"}
    found = {names[one.policy.what]: one for one in caller.allowance.look()}
    return answer(
        {name: {"used": one.policy.limit - one.remaining, "limit": one.policy.limit} for name, one in found.items()}
    )


@router.get("/v2/models", dependencies=[ANY_KEY])
def get_models(service: Service) -> Response:
    """The names that `model` can say: those with a version in production."""
    models = service.registry.models()
    named = [one.name for one in models if any(alias.alias == PRODUCTION for alias in one.aliases)]
    return answer({"models": [{"name": name} for name in named]})


@router.get("/model_params", dependencies=[ANY_KEY])
def get_parameters(service: Service, model: Annotated[str, Query(min_length=1, max_length=256)]) -> Response:
    """How much history to send, and beyond which horizon to warn.

    Asked for `model` alone, also where a fine-tuned model is going to answer: so it is as much as any version uses, and
    a model that is unknown is no matter yet.
    """
    configs = [one.config for known in service.registry.models() for one in service.registry.versions(known.name)]
    input_size = max((memory_of(one, looks_back=one.precedent_windows > 0) for one in configs), default=_UNKNOWN_INPUT)
    try:
        pinned = versions.pin(service, model)
        horizon = service.registry.version(pinned.name, pinned.number).config.horizon
    except RegistryError:
        horizon = max((config.horizon for config in configs), default=_UNKNOWN_HORIZON)
    return answer({"detail": {"input_size": input_size, "horizon": horizon}})
