"""An integration did not finish."""

from model.errors.base import ForecastingError


class SolverError(ForecastingError):
    """An integration did not finish."""


class StepBudgetExceeded(SolverError):
    """An adaptive integration used up its steps, or its step became too small."""

    def __init__(self, max_steps: int, reason: str) -> None:
        super().__init__(
            f"The adaptive solver stopped within its budget of {max_steps} steps: {reason}.",
            hint="Use a fixed-step method, or loosen rtol and atol.",
        )
        self.max_steps = max_steps


class ImplicitStepUnsolved(SolverError):
    """The fixed-point iteration of an implicit step did not come to rest."""

    def __init__(self, step: float, num_sweeps: int, change: float) -> None:
        super().__init__(
            f"After {num_sweeps} sweeps an implicit step of {step:g} still changes by {change:.1e} of its size.",
            hint="Use a smaller step, so that the iteration contracts, or an explicit method.",
        )
        self.step = step
        self.num_sweeps = num_sweeps
        self.change = change


class ControlNotFound(SolverError):
    """A vector field without a closed form has no optimal control that the search could find."""

    def __init__(self, num_iterations: int, reason: str) -> None:
        super().__init__(
            f"No optimal control was found in {num_iterations} Newton steps: {reason}.",
            hint="Raise parameter_weights or max_iterations, or start the particles nearer to zero.",
        )
        self.num_iterations = num_iterations
        self.reason = reason
