"""Optimisers of which torch has none: Muon for kernels. It imports torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_EPSILON = 1e-7


class AdamMuon(Optimizer):
    r"""Muon for all parameters of two or more axes, AdamW for those of one or none.

    Muon gathers gradients, takes the direction that has the same singular vectors and
    singular values near one, and goes a step of the rate along it:

    .. math::
        B \leftarrow \mu B + G, \quad
        W \leftarrow (1 - \eta \lambda) W - \eta \, \mathrm{orth}(G + \mu B)

    Parameters
    ----------
    parameters : iterable of Tensor or of dict
        What is optimised; see `torch.optim.Optimizer`.
    learning_rate : float
        Of both.
    weight_decay : float
        Of both, decoupled: a part of the rate.
    momentum : float
        Of Muon.
    betas : (float, float)
        Of AdamW.
    epsilon : float
        Of AdamW.

    Notes
    -----
    As the code of the EchoXFlow benchmark has it. A kernel (out, in, time, rows,
    columns) is taken as a matrix of `out` rows, that of a transposed convolution of
    `in`. Unlike `torch.optim.Muon`, which takes matrices only, a step does not depend
    on the shape. The rate is called ``lr`` among the settings of a group, where the
    schedules of torch look for it.

    References
    ----------
    Jordan et al.: Muon, an optimizer for hidden layers in neural networks, 2024.
    Loshchilov and Hutter: Decoupled Weight Decay Regularization. ICLR 2019.

    Examples
    --------
    >>> layer = torch.nn.Linear(2, 2)
    >>> optimizer = AdamMuon(layer.parameters(), 0.01)
    >>> layer(torch.ones(1, 2)).square().sum().backward()
    >>> optimizer.step()
    """

    def __init__(
        self,
        parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
        learning_rate: float = 0.0037,
        *,
        weight_decay: float = 0.0,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
    ) -> None:
        settings = {
            "lr": learning_rate,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "betas": betas,
            "epsilon": epsilon,
        }
        super().__init__(parameters, settings)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take one step.

        Parameters
        ----------
        closure : function, optional
            Computes the loss and its gradients anew.

        Returns
        -------
        float or None
            What the closure returned.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                if parameter.ndim > 1:
                    _step_muon(parameter, self.state[parameter], group)
                else:
                    _step_adam(parameter, self.state[parameter], group)
        return loss


def orthogonalize(matrices: Tensor) -> Tensor:
    """Bring the singular values of a matrix near one, and keep its singular vectors.

    Parameters
    ----------
    matrices : (rows, ...)
        What follows the first axis is taken as columns.

    Returns
    -------
    (rows, ...)
        In bfloat16. Singular values that are not tiny come to lie between 0.7 and 1.2.

    Notes
    -----
    Five steps of a Newton-Schulz iteration, a polynomial that lifts small singular
    values fast and leaves those near one about there.

    Examples
    --------
    >>> orthogonalize(torch.diag(torch.tensor([3.0, -2.0]))).float().round(decimals=1)
    tensor([[ 1.1000,  0.0000],
            [ 0.0000, -0.7000]])
    """
    matrix = matrices.flatten(1)
    upright = len(matrix) > matrix.shape[1]
    matrix = matrix.T if upright else matrix
    matrix = (matrix / (matrix.norm() + _EPSILON)).bfloat16()
    a, b, c = _COEFFICIENTS
    for _ in range(_ITERATIONS):
        gram = matrix @ matrix.T
        gram = torch.addmm(gram, gram, gram, beta=b, alpha=c)
        matrix = torch.addmm(matrix, gram, matrix, beta=a)
    return (matrix.T if upright else matrix).reshape(matrices.shape)


def _step_muon(parameter: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
    """Step along the gathered gradients, made orthogonal."""
    gradient = parameter.grad
    if gradient is None:
        return
    if "gathered" not in state:
        state["gathered"] = torch.zeros_like(parameter)
    gathered = state["gathered"].mul_(group["momentum"]).add_(gradient)
    ahead = gradient.add(gathered, alpha=group["momentum"])
    parameter.sub_(orthogonalize(ahead).to(parameter.dtype), alpha=group["lr"])


def _step_adam(parameter: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
    """Step as Adam does."""
    gradient = parameter.grad
    if gradient is None:
        return
    if "steps" not in state:
        state["steps"] = 0
        state["mean"] = torch.zeros_like(parameter)
        state["square"] = torch.zeros_like(parameter)
    state["steps"] += 1
    (first, second), steps = group["betas"], state["steps"]
    mean = state["mean"].lerp_(gradient, 1 - first)
    square = state["square"].mul_(second)
    square.addcmul_(gradient, gradient, value=1 - second)
    root = (square / (1 - second**steps)).sqrt_().add_(group["epsilon"])
    parameter.addcdiv_(mean, root, value=-group["lr"] / (1 - first**steps))
