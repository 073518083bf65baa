"""What validation windows settled once a training had ended, as reasons beside those of its configuration."""

from model.configuration.reason import Reason
from model.networks.network import ShootingNetwork
from model.training.validation import Validation

_LINE = "the part of a linear forecast beside the flow's; a half, unless another did better on validation windows"
_TRUST = "how far forecasts go from the last value to what was learned; all the way, unless validation windows forbid"
_BLOCK = "steps until a path goes on from its own forecast; what did best beyond the horizon, as far as can be told"
_PRECEDENTS = "the part of what followed similar stretches of the past; what did best on validation windows"
_NO_PRECEDENTS = "what followed similar stretches of the past did not help on validation windows, or these were too few"


def settled(network: ShootingNetwork, validation: Validation) -> tuple[Reason, ...]:
    """The share of the line, the trust in the network, the length of blocks and the share of precedents, in words."""
    line, precedents = network.linear, validation.precedents
    return (
        *((Reason("line_share", f"{float(line.share):.0%}", _LINE),) if line is not None else ()),
        Reason("trust", f"{validation.trust:.0%}", _TRUST),
        Reason("block_length", str(validation.block_length), _BLOCK),
        Reason("precedent_share", f"{sum(precedents.shares):.0%}", _PRECEDENTS if precedents else _NO_PRECEDENTS),
    )
