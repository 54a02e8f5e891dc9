"""The U-Net that `unet_2d` and `unet_3d` share: MONAI's, with residual units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cardium.core import need
from cardium.errors import InvalidArgumentError

if TYPE_CHECKING:
    from torch import nn


def build_unet(
    channels_in: int,
    channels_out: int,
    *,
    stride: Sequence[int],
    norm: str,
    size: int,
    width: int,
    levels: int,
) -> nn.Module:
    """Build a U-Net that halves a square image at each of its levels.

    Parameters
    ----------
    channels_in, channels_out : int
        Channels of the image and of the answer.
    stride : (2, 2) or (1, 2, 2)
        Step of one level along each axis; its length is the rank of the input.
    norm : {"batch", "instance"}
        How activations are normalised.
    size : int
        Rows and columns of the images it will be given.
    width : int
        Channels of the first level; each further level has twice as many.
    levels : int
        How often the image is halved.

    Returns
    -------
    torch.nn.Module
        Maps ``(batch, channels_in, …, size, size)`` to
        ``(batch, channels_out, …, size, size)``.

    Raises
    ------
    InvalidArgumentError
        If the image cannot be halved that often, or a setting is not positive.
    """
    if min(size, width, levels) < 1 or size % 2**levels:
        raise InvalidArgumentError(
            f"A U-Net of {levels} levels and width {width} needs images whose size is "
            f"a multiple of {2 ** max(levels, 0)}, got {size}. Change size or levels."
        )
    need("monai", extra="torch")
    from monai.networks.nets.unet import UNet

    strides: list[Any] = [tuple(stride)] * levels
    network: nn.Module = UNet(
        spatial_dims=len(stride),
        in_channels=channels_in,
        out_channels=channels_out,
        channels=[width * 2**level for level in range(levels + 1)],
        strides=strides,
        num_res_units=2,
        norm=(norm, {"affine": True}),
    )
    return network
