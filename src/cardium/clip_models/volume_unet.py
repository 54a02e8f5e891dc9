"""A small U-Net over volumes: the cavity of the left ventricle, volume by volume.

It sees single volumes, as the beams that were acquired or on cubic voxels. In
beamspace a sample far from the probe stands for more of the heart than one near it, and
two angles and a depth are no Cartesian axes: the network knows where each sample lies,
and an error weighs as much as the volume that its sample stands for.

References
----------
Çiçek et al., 3D U-Net: Learning Dense Volumetric Segmentation from Sparse Annotation.
MICCAI 2016. Coordinates: Liu et al., An Intriguing Failing of Convolutional Neural
Networks and the CoordConv Solution. NeurIPS 2018.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from cardium.core import ClipRecipe, Training, need
from cardium.errors import InvalidArgumentError

if TYPE_CHECKING:
    from torch import nn

_DOMAINS = ("beamspace", "cartesian")


def build(
    task: str,
    domain: str,
    *,
    width: int = 16,
    levels: int = 3,
    coordinates: bool = True,
    weigh: bool = True,
) -> nn.Module:
    """Build the network.

    Parameters
    ----------
    task : {"lv_volume_3d"}
        What is asked.
    domain : {"beamspace", "cartesian"}
        What it sees. The first step halves the range in beamspace, where it is finest,
        and every axis of voxels.
    width : int
        Channels of the first level; each further one has half as many more.
    levels : int
        How often the volume is halved after that.
    coordinates : bool
        Tell the network where each sample lies along each axis.
    weigh : bool
        Weigh errors by the volume that a sample stands for.

    Returns
    -------
    torch.nn.Module
        The untrained network.

    Raises
    ------
    InvalidArgumentError
        If task or domain are none of these, or a number is not positive.

    Examples
    --------
    >>> network = build("lv_volume_3d", "beamspace")
    >>> sum(p.numel() for p in network.parameters()) < 500_000
    True
    """
    if task != "lv_volume_3d" or domain not in _DOMAINS:
        raise InvalidArgumentError(
            f"volume_unet answers lv_volume_3d in {' or '.join(_DOMAINS)}, "
            f"not {task} in {domain}."
        )
    if min(width, levels) < 1:
        raise InvalidArgumentError(
            f"volume_unet: width and levels must be positive, got {width} and {levels}."
        )
    need("torch", extra="torch")
    from cardium.clip_models._volume_unet import VolumeNet

    return VolumeNet(
        beams=domain == "beamspace",
        width=width,
        levels=levels,
        coordinates=coordinates,
        weigh=weigh,
    )


MODEL = ClipRecipe(
    name="volume_unet",
    title="3D U-Net of single volumes",
    tasks=frozenset({"lv_volume_3d"}),
    domains=frozenset(_DOMAINS),
    protocol="corrected",
    family="network",
    build=build,
    settings=MappingProxyType(
        {"width": 16, "levels": 3, "coordinates": True, "weigh": True}
    ),
    training=Training(
        epochs=40,
        optimizer="adamw",
        learning_rate=3e-3,
        schedule="one_cycle",
        weight_decay=0.01,
    ),
    reference="Çiçek et al., 3D U-Net, MICCAI 2016",
)
