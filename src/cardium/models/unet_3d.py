"""A small 3-D U-Net over (time, z, x): it sees how the picture moves.

Space is halved from level to level, time never: a clip of any number of frames goes in,
one frame as well, and as many frames come out.

References
----------
Çiçek et al.: 3D U-Net: Learning Dense Volumetric Segmentation from Sparse Annotation.
MICCAI 2016. Residual units: Kerfoot et al., Left-Ventricle Quantification Using
Residual U-Net. STACOM 2018.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from cardium.core import Recipe
from cardium.errors import InvalidArgumentError
from cardium.models._unet import build_unet

if TYPE_CHECKING:
    from torch import nn


def build(
    channels_in: int,
    channels_out: int,
    *,
    size: int = 128,
    width: int = 12,
    levels: int = 4,
    clip_length: int = 16,
) -> nn.Module:
    """Build the network for clips of ``(batch, channels, time, size, size)``.

    Parameters
    ----------
    channels_in, channels_out : int
        Channels of a frame and of the answer.
    size : int
        Rows and columns that frames are resized to.
    width : int
        Channels of the first level.
    levels : int
        How often a frame is halved.
    clip_length : int
        Frames of one training clip; the network itself takes any number.

    Returns
    -------
    torch.nn.Module
        The untrained network.

    Raises
    ------
    InvalidArgumentError
        If a frame of that size cannot be halved that often, or a clip has fewer than
        two frames.

    Examples
    --------
    >>> import torch
    >>> network = build(1, 3).eval()
    >>> tuple(network(torch.zeros(2, 1, 5, 128, 128)).shape)
    (2, 3, 5, 128, 128)
    """
    if clip_length < 2:
        raise InvalidArgumentError(
            f"clip_length must be 2 frames at least, got {clip_length}. For single "
            "frames take the model 'unet_2d'."
        )
    # A batch holds few clips, too few for the statistics of batch normalisation.
    return build_unet(
        channels_in,
        channels_out,
        stride=(1, 2, 2),
        norm="instance",
        size=size,
        width=width,
        levels=levels,
    )


MODEL = Recipe(
    name="unet_3d",
    title="3-D U-Net with residual units, over clips",
    answers=frozenset({"label_map", "velocity"}),
    family="network",
    build=build,
    input_rank=3,
    settings=MappingProxyType(
        {"size": 128, "width": 12, "levels": 4, "clip_length": 16}
    ),
    reference="Çiçek et al., MICCAI 2016, doi:10.1007/978-3-319-46723-8_49",
)
