"""A small 2-D U-Net: one frame in, one answer a pixel out.

It knows nothing of time, so what it gains over `training_mean` is what a single frame
shows, and what `unet_3d` gains over it is what motion shows. Of a clip of T frames it
answers T frames; asked for velocities between frames, it answers each interval from
the frame that opens it.

References
----------
Ronneberger, Fischer and Brox: U-Net: Convolutional Networks for Biomedical Image
Segmentation. MICCAI 2015. Residual units: Kerfoot et al., Left-Ventricle
Quantification Using Residual U-Net. STACOM 2018.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from cardium.core import Recipe
from cardium.models._unet import build_unet

if TYPE_CHECKING:
    from torch import nn


def build(
    channels_in: int,
    channels_out: int,
    *,
    size: int = 160,
    width: int = 16,
    levels: int = 4,
) -> nn.Module:
    """Build the network for frames of ``(batch, channels, size, size)``.

    Parameters
    ----------
    channels_in, channels_out : int
        Channels of a frame and of the answer.
    size : int
        Rows and columns that frames are resized to.
    width : int
        Channels of the first level.
    levels : int
        How often the frame is halved.

    Returns
    -------
    torch.nn.Module
        The untrained network.

    Raises
    ------
    InvalidArgumentError
        If a frame of that size cannot be halved that often.

    Examples
    --------
    >>> import torch
    >>> network = build(1, 3).eval()
    >>> tuple(network(torch.zeros(2, 1, 160, 160)).shape)
    (2, 3, 160, 160)
    """
    return build_unet(
        channels_in,
        channels_out,
        stride=(2, 2),
        norm="batch",
        size=size,
        width=width,
        levels=levels,
    )


MODEL = Recipe(
    name="unet_2d",
    title="2-D U-Net with residual units, frame by frame",
    answers=frozenset({"label_map", "velocity"}),
    family="network",
    build=build,
    input_rank=2,
    settings=MappingProxyType({"size": 160, "width": 16, "levels": 4}),
    reference="Ronneberger et al., MICCAI 2015, doi:10.1007/978-3-319-24574-4_28",
)
