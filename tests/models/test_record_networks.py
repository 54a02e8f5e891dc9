"""The networks of records: their sizes as published, and what they see."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from cardium.core import SIGNAL_KINDS
from cardium.errors import InvalidArgumentError
from cardium.models import MODELS
from cardium.models._records import PUBLISHED, RECORD_SETTINGS
from cardium.models._s4d import DiagonalStates

SMALL = {
    "resnet_1d": {"width": 8, "blocks": 2},
    "resnet1d_wang": {"width": 8},
    "xresnet1d101": {"width": 4},
    "inception1d": {"width": 4, "kernel": 16},
    "lstm": {"hidden": 8},
    "s4d": {"width": 8, "states": 2, "layers": 2},
}
NAMES = sorted(SMALL)


def weights(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def normal(channels: int) -> int:
    """Weights of a batch normalisation."""
    return 2 * channels


def classifier(pooled: int, hidden: int, classes: int) -> int:
    """Normalise, a layer, normalise, a layer."""
    first = normal(pooled) + pooled * hidden + hidden
    return first + normal(hidden) + hidden * classes + classes


def wang(leads: int, classes: int) -> int:
    """A stem of 7, three blocks of 5 and 3, two shortcuts of 1; 128 channels."""
    wide = 128
    stem = leads * wide * 7 + normal(wide)
    blocks = 3 * (wide * wide * (5 + 3) + 2 * normal(wide))
    shortcuts = 2 * (wide * wide + normal(wide))
    return stem + blocks + shortcuts + normal(256) + 256 * classes + classes


def xresnet(leads: int, classes: int) -> int:
    """Stem 32, 32, 64; 33 bottlenecks of 64 that widen to 256; a layer of 128."""
    stem = 5 * (leads * 32 + 32 * 32 + 32 * 64) + normal(32 + 32 + 64)
    inner = 64 * 64 * 5 + 64 * 256 + normal(64 + 64 + 256)
    blocks = 33 * inner + 64 * 64 + 32 * 256 * 64
    shortcut = 64 * 256 + normal(256)  # the others have 256 channels on both sides
    return stem + blocks + shortcut + classifier(512, 128, classes)


def inception(leads: int, classes: int) -> int:
    """Six modules of 39, 19 and 9 samples over a bottleneck of 32; two shortcuts."""
    total = 0
    for channels in (leads, *[128] * 5):
        total += 2 * channels * 32 + 32 * 32 * (39 + 19 + 9) + normal(128)
    total += leads * 128 + 128 * 128 + 2 * normal(128)
    return total + classifier(256, 128, classes)


def recurrent(leads: int, classes: int) -> int:
    """Two layers of 256: four gates of inputs, of states and of two biases."""
    layers = 4 * 256 * (leads + 256 + 2) + 4 * 256 * (256 + 256 + 2)
    return layers + normal(768) + 768 * classes + classes


def states(leads: int, classes: int) -> int:
    """Four layers of 128 channels with 8 states both ways, and a gate."""
    one = 2 * 128 * (1 + 4 * 8) + 128 + 128 * 256 + 256 + normal(128)
    encode = leads * 128 + 128
    return encode + 4 * one + normal(256) + 256 * classes + classes


@pytest.mark.parametrize(
    ("name", "stated"),
    [
        ("resnet1d_wang", wang),
        ("xresnet1d101", xresnet),
        ("inception1d", inception),
        ("lstm", recurrent),
        ("s4d", states),
    ],
)
@pytest.mark.parametrize(("leads", "classes"), [(12, 5), (12, 71), (2, 3)])
def test_weights_are_those_of_a_plain_restatement(
    name: str, stated, leads: int, classes: int
) -> None:
    assert weights(MODELS.find(name).build(leads, classes)) == stated(leads, classes)


def test_wang_has_as_many_weights_as_published() -> None:
    assert round(weights(MODELS.find("resnet1d_wang").build(12, 5)) / 1e6, 2) == 0.44


def test_xresnet_has_101_layers_and_starts_as_its_shortcuts() -> None:
    network = MODELS.find("xresnet1d101").build(12, 5)
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv1d)]
    # Three in the stem, three in each of 33 bottlenecks, one in a shortcut.
    assert len(convolutions) == 3 + 3 * 33 + 1
    block = network.blocks[1].eval()
    features = torch.rand(2, 256, 16)
    assert (block(features) == features).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("samples", [50, 250, 1001])
def test_records_of_any_length_are_answered(name: str, samples: int) -> None:
    network = MODELS.find(name).build(3, 4, **SMALL[name]).eval()
    assert network(torch.randn(2, 3, samples)).shape == (2, 4)


@pytest.mark.parametrize("name", NAMES)
def test_the_unit_of_the_leads_does_not_matter(name: str) -> None:
    torch.manual_seed(0)
    network = MODELS.find(name).build(2, 3, **SMALL[name])
    for layer in network.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    records = torch.randn(8, 2, 200)
    torch.testing.assert_close(
        network(records), network(1000 * records), rtol=1e-2, atol=2e-2
    )


@pytest.mark.parametrize("name", NAMES)
def test_leads_are_told_apart(name: str) -> None:
    torch.manual_seed(0)
    network = MODELS.find(name).build(2, 3, **SMALL[name]).eval()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d) and layer.weight is not None:
            nn.init.ones_(layer.weight)
    records = torch.randn(4, 2, 200)
    assert not torch.allclose(network(records), network(records.flip(1)), atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_the_recipe_says_how_records_are_cut(name: str) -> None:
    recipe = MODELS.find(name)
    assert recipe.answers == SIGNAL_KINDS
    assert recipe.input_rank == 1
    assert set(RECORD_SETTINGS) <= set(recipe.settings)
    own = {k: v for k, v in recipe.settings.items() if k not in RECORD_SETTINGS}
    assert weights(recipe.build(12, 5, **own)) == weights(recipe.build(12, 5))
    published = {k: recipe.settings[k] for k in PUBLISHED}
    assert (published == PUBLISHED) == (name != "resnet_1d")


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("resnet1d_wang", {"blocks": 0}),
        ("xresnet1d101", {"kernel": 4}),
        ("inception1d", {"kernel": 7}),
        ("lstm", {"bidirectional": 2}),
        ("s4d", {"states": 0}),
    ],
)
def test_sizes_that_make_no_network_are_refused(name: str, wrong: dict) -> None:
    with pytest.raises(
        InvalidArgumentError, match=rf"got .*{next(iter(wrong.values()))}"
    ):
        MODELS.find(name).build(12, 5, **wrong)


def test_a_bidirectional_network_sees_the_end_from_the_start() -> None:
    torch.manual_seed(0)
    records = torch.randn(1, 2, 60, requires_grad=True)
    for both, sees in ((0, False), (1, True)):
        network = MODELS.find("lstm").build(2, 1, hidden=6, bidirectional=both).eval()
        features, _ = network.recur(network.scale(records).transpose(1, 2))
        (gradient,) = torch.autograd.grad(features[0, 0].sum(), records)
        assert bool((gradient[0, :, 30:] != 0).any()) == sees


def test_states_convolve_with_their_impulse_responses_both_ways() -> None:
    torch.manual_seed(1)
    layer = DiagonalStates(3, 2).double()
    inputs = torch.randn(2, 3, 40)
    answer = layer(inputs)
    ahead, back = layer.kernels(40).detach()
    want = layer.direct.detach().float()[:, None] * inputs
    for n in range(40):
        for m in range(40):
            kernel = ahead[:, n - m] if m <= n else 0.0
            kernel = kernel + (back[:, m - n] if m >= n else 0.0)
            want[:, :, n] += kernel * inputs[:, :, m]
    torch.testing.assert_close(answer, want, rtol=1e-4, atol=1e-5)


def test_the_impulse_response_is_that_of_a_held_linear_system() -> None:
    torch.manual_seed(2)
    layer = DiagonalStates(1, 3)
    kernel = layer.kernels(20)[0, 0].detach()
    pole = -layer.log_decay.exp()[0, 0] + 1j * layer.frequency[0, 0]
    step = float(layer.log_step[0, 0].detach().exp())
    read = torch.view_as_complex(layer.read)[0, 0]
    turn = (pole * step).exp()
    state, want = torch.zeros(3, dtype=torch.complex64), []
    for n in range(20):
        # An input of 1, held over the first step.
        state = turn * state + (turn - 1) / pole * (n == 0)
        want.append(2 * (read * state).sum().real)
    torch.testing.assert_close(kernel, torch.stack(want).detach(), rtol=1e-3, atol=1e-5)
    assert math.isclose(float(layer.frequency[0, 0, 1].detach()), math.pi, rel_tol=1e-6)
