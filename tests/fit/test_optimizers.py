"""AdamMuon against torch's own optimisers and a restatement in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from cardium.fit.optimizers import AdamMuon, orthogonalize

RATE = 0.0037
SHAPES = [(6, 20), (20, 6), (8, 8), (1, 9)]


def gradients(shape, count=4):
    chance = torch.Generator().manual_seed(sum(shape))
    return [torch.randn(shape, generator=chance) for _ in range(count)]


def run(optimizer, parameter, slopes):
    for slope in slopes:
        parameter.grad = slope.clone()
        optimizer.step()
    return parameter.detach()


def polynomial(matrix):
    """The iteration on singular values alone, in float64."""
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    values = values / (np.sqrt((values**2).sum()) + 1e-7)
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    return left * values @ right


@pytest.mark.parametrize("shape", SHAPES)
def test_it_keeps_singular_vectors_and_brings_singular_values_near_one(shape) -> None:
    (matrix,) = gradients(shape, 1)
    out = orthogonalize(matrix)
    assert out.dtype == torch.bfloat16
    expected = polynomial(matrix.double().numpy())
    np.testing.assert_allclose(out.double().numpy(), expected, atol=0.04)
    values = np.linalg.svd(expected, compute_uv=False)
    assert 0.4 < values.min() <= values.max() < 1.25


def test_a_kernel_is_a_matrix_of_as_many_rows_as_its_first_axis() -> None:
    (kernel,) = gradients((4, 3, 1, 3, 3), 1)
    expected = polynomial(kernel.double().flatten(1).numpy()).reshape(kernel.shape)
    np.testing.assert_allclose(
        orthogonalize(kernel).double().numpy(), expected, atol=0.04
    )


def test_nothing_comes_of_no_gradient() -> None:
    assert not orthogonalize(torch.zeros(3, 4)).any()


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("shape", SHAPES)
def test_matrices_move_as_with_torchs_muon(shape, decay: float) -> None:
    start = torch.ones(shape)
    mine, other = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    # Torch goes further along tall matrices, and decays by the rate as it is given.
    tall = max(1.0, shape[0] / shape[1]) ** 0.5
    muon = torch.optim.Muon([other], lr=RATE / tall, weight_decay=decay * tall)
    slopes = gradients(shape)
    one = run(AdamMuon([mine], RATE, weight_decay=decay), mine, slopes)
    two = run(muon, other, slopes)
    # Both round to bfloat16, which has three digits; they gather in other units.
    assert (one - two).abs().max() < 0.03 * (one - start).abs().max()
    assert (one - start).norm() > RATE


def test_momentum_looks_ahead() -> None:
    parameter = nn.Parameter(torch.zeros(5, 7))
    slopes = gradients((5, 7))
    moved = run(AdamMuon([parameter], RATE), parameter, slopes)
    place, gathered = np.zeros((5, 7)), np.zeros((5, 7))
    for slope in slopes:
        slope = slope.double().numpy()
        gathered = 0.95 * gathered + slope
        place = place - RATE * polynomial(slope + 0.95 * gathered)
    np.testing.assert_allclose(moved, place, atol=0.04 * RATE * len(slopes))


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("shape", [(), (1,), (7,)])
def test_what_has_one_axis_or_none_moves_as_with_torchs_adamw(shape, decay) -> None:
    mine, other = nn.Parameter(torch.ones(shape)), nn.Parameter(torch.ones(shape))
    slopes = gradients(shape, 6)
    one = run(AdamMuon([mine], RATE, weight_decay=decay), mine, slopes)
    adam = torch.optim.AdamW([other], RATE, weight_decay=decay)
    torch.testing.assert_close(one, run(adam, other, slopes))


def test_the_first_step_of_both_parts_is_known() -> None:
    matrix, number = nn.Parameter(torch.zeros(1, 4)), nn.Parameter(torch.zeros(1))
    optimizer = AdamMuon([matrix, number], 0.5)
    matrix.grad, number.grad = torch.tensor([[2.0, 0, 0, 0]]), torch.tensor([-3.0])
    optimizer.step()
    one = 1.0
    for _ in range(5):
        one = 3.4445 * one - 4.7750 * one**3 + 2.0315 * one**5
    assert matrix.tolist()[0] == pytest.approx([-0.5 * one, 0, 0, 0], abs=0.005)
    assert number.tolist() == pytest.approx([0.5])


def trained(network, optimizer, steps):
    for step in range(steps):
        chance = torch.Generator().manual_seed(step)
        clip = torch.randn(2, 1, 3, 8, 8, generator=chance)
        optimizer.zero_grad()
        network(clip).square().mean().backward()
        optimizer.step()


def network_and_optimizer():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv3d(1, 4, 3), nn.PReLU(), nn.ConvTranspose3d(4, 1, (1, 3, 3))
    )
    return network, AdamMuon(network.parameters(), RATE)


def test_a_training_that_goes_on_ends_in_the_same_weights(tmp_path) -> None:
    straight, optimizer = network_and_optimizer()
    trained(straight, optimizer, 3)
    torch.save((straight.state_dict(), optimizer.state_dict()), tmp_path / "there.pt")
    trained(straight, optimizer, 4)
    again, resumed = network_and_optimizer()
    weights, state = torch.load(tmp_path / "there.pt")
    again.load_state_dict(weights)
    resumed.load_state_dict(state)
    trained(again, resumed, 4)
    for one, other in zip(straight.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_schedule_sets_the_rate_of_both_parts() -> None:
    network, optimizer = network_and_optimizer()
    before = [p.detach().clone() for p in network.parameters()]
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    trained(network, optimizer, 2)
    for one, other in zip(network.parameters(), before, strict=True):
        assert torch.equal(one, other)


def test_what_has_no_gradient_stays() -> None:
    kept, moved = (nn.Parameter(torch.ones(2, 2)) for _ in range(2))
    optimizer = AdamMuon([kept, moved], weight_decay=1.0)
    moved.grad = torch.eye(2)
    assert optimizer.step(lambda: 7.0) == 7.0
    assert (kept == 1).all()
    assert (moved != 1).any()


def test_it_lowers_a_loss() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(4, 4)
    optimizer = AdamMuon(layer.parameters(), 0.02)
    wanted = torch.randn(4, 4)
    losses = []
    for _ in range(250):
        optimizer.zero_grad()
        loss = (layer(torch.eye(4)) - wanted).square().mean()
        loss.backward()
        losses.append(float(loss.detach()))
        optimizer.step()
    assert losses[-1] < 0.1 * losses[0]
