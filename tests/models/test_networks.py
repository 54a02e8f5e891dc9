import pytest
import torch

from cardium.errors import InvalidArgumentError
from cardium.models import MODELS, resnet_1d, unet_2d, unet_3d
from cardium.models._records import RECORD_SETTINGS


def weights(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("name", "channels_in", "least", "most"),
    [
        ("unet_2d", 1, 1e6, 2e6),
        ("unet_3d", 1, 1e6, 4e6),
        ("resnet_1d", 12, 0.3e6, 1e6),
    ],
)
def test_the_defaults_are_those_of_the_recipe_and_small(
    name: str, channels_in: int, least: float, most: float
) -> None:
    recipe = MODELS.find(name)
    assert recipe.name == name
    plain = recipe.build(channels_in, 3)
    assert least < weights(plain) < most
    own = {k: v for k, v in recipe.settings.items() if k not in RECORD_SETTINGS}
    assert weights(plain) == weights(recipe.build(channels_in, 3, **own))


def test_unet_2d_answers_every_pixel() -> None:
    network = unet_2d.build(1, 3, size=32, width=4, levels=3)
    assert network(torch.zeros(2, 1, 32, 32)).shape == (2, 3, 32, 32)


@pytest.mark.parametrize("frames", [1, 2, 5, 17])
def test_unet_3d_takes_any_number_of_frames(frames: int) -> None:
    network = unet_3d.build(1, 2, size=16, width=4, levels=2)
    assert network(torch.rand(1, 1, frames, 16, 16)).shape == (1, 2, frames, 16, 16)


def test_unet_3d_sees_the_frames_before_and_after() -> None:
    torch.manual_seed(0)
    network = unet_3d.build(1, 1, size=16, width=4, levels=2)
    clip = torch.rand(1, 1, 5, 16, 16, requires_grad=True)
    network(clip)[0, 0, 2].square().sum().backward()
    assert (clip.grad[0, 0].abs().amax((1, 2)) > 0).all()


@pytest.mark.parametrize("build", [unet_2d.build, unet_3d.build])
def test_a_size_that_cannot_be_halved_is_refused(build) -> None:
    with pytest.raises(InvalidArgumentError, match="multiple of 16, got 100"):
        build(1, 3, size=100)


def test_a_clip_has_two_frames() -> None:
    with pytest.raises(InvalidArgumentError, match="unet_2d"):
        unet_3d.build(1, 3, clip_length=1)


@pytest.mark.parametrize("samples", [250, 1000, 1001])
def test_resnet_1d_takes_records_of_any_length(samples: int) -> None:
    network = resnet_1d.build(12, 5, width=8)
    assert network(torch.rand(2, 12, samples)).shape == (2, 5)


def test_resnet_1d_takes_leads_in_any_unit() -> None:
    torch.manual_seed(0)
    network = resnet_1d.build(2, 3, width=8)
    network.classify.eval()  # no dropout, but the batch's own statistics
    records = torch.randn(4, 2, 200)
    torch.testing.assert_close(
        network(records), network(1000 * records + 5), rtol=1e-2, atol=1e-3
    )


def test_resnet_1d_tells_leads_apart() -> None:
    torch.manual_seed(0)
    network = resnet_1d.build(2, 3, width=8).eval()
    records = torch.randn(4, 2, 200)
    assert not torch.allclose(network(records), network(records.flip(1)), atol=1e-3)


def test_resnet_1d_has_a_block() -> None:
    with pytest.raises(InvalidArgumentError, match="positive, got 48 and 0"):
        resnet_1d.build(12, 5, blocks=0)
