"""What validation windows settled once a training had ended, as reasons beside those of its configuration."""

from collections.abc import Iterator

from model.configuration.reason import Reason
from model.networks.cycles import Cycles
from model.networks.network import ShootingNetwork
from model.training.validation import Validation

_LINE = "the rest is the flow's; a half, unless another did better on validation windows"
_REGRESSION = "of the values, the same at every lead; where validation windows clearly gain by it"
_SEASON = "the line may repeat it in part, where validation windows clearly gain by that"
_TRUST = "how far forecasts go from the last value to it; all the way, unless validation windows forbid"
_TREND = "of going on as on average over the whole history; none unless validation windows gain by more than chance"
_BLOCK = "the shortest that was not clearly worse beyond the horizon, as far as can be told"
_PRECEDENTS = "of what followed them; what did best on validation windows"
_NO_PRECEDENTS = "what followed them did not help on validation windows, or these were too few"
_CYCLES = "of the last {} together; what did best on validation windows"
_NO_CYCLES = "their mean did not help on validation windows, or these were too few"


def settled(network: ShootingNetwork, season_share: float, validation: Validation) -> tuple[Reason, ...]:
    """The shares of the line and of the season in it, the trust, the length of blocks and the shares of precedents."""
    return (*_line(network, season_share), *_validated(validation))


def _line(network: ShootingNetwork, season_share: float) -> Iterator[Reason]:
    if network.regression is not None:
        yield Reason("regression", "yes" if network.regression.weights.any() else "no", _REGRESSION)
    if network.linear is not None:
        yield Reason("line_share", f"{float(network.linear.share):.0%}", _LINE)
        yield Reason("season_share", f"{season_share:.0%}", _SEASON)


def _validated(validation: Validation) -> Iterator[Reason]:
    yield Reason("trust", f"{validation.trust:.0%}", _TRUST)
    yield Reason("trend_share", f"{validation.trend:.0%}", _TREND)
    yield Reason("block_length", str(validation.block_length), _BLOCK)
    looks = list(zip(validation.precedents.lenses, validation.precedents.shares, strict=True))
    lenses = [share for look, share in looks if not isinstance(look, Cycles)]
    yield Reason("precedent_share", f"{sum(lenses):.0%}", _PRECEDENTS if lenses else _NO_PRECEDENTS)
    counts = sorted({look.count for look, _ in looks if isinstance(look, Cycles)})
    share = sum(share for look, share in looks if isinstance(look, Cycles))
    yield Reason(
        "cycle_share", f"{share:.0%}", _CYCLES.format(" and ".join(map(str, counts))) if counts else _NO_CYCLES
    )
