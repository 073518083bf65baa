"""Methods of fixed steps, by name."""

from model.shooting.methods.method import Method, StageControls
from model.shooting.methods.residual import Residual
from model.shooting.methods.runge_kutta import EULER, MIDPOINT, RK4, RK5, RungeKutta

METHODS: dict[str, Method] = {
    "euler": EULER,
    "midpoint": MIDPOINT,
    "rk4": RK4,
    "rk5": RK5,
    "residual": Residual(),
}
"""Every method of fixed steps; the shared tests check each row."""

__all__ = ["METHODS", "Method", "Residual", "RungeKutta", "StageControls"]
