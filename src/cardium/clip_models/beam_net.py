"""Networks in beamspace at native resolution, a tenth of the size of the paper's.

Tissue velocity: two frames are compared at every displacement along the beam that the
Nyquist limit allows, their grey patterns as block matching does and learnt features
beside, on a scale of phases, so that frame rate, depth and limit are in the geometry
and not in the weights; the answer is a direction on the circle. Learnt by likelihood
(von Mises), its length says where Doppler is noise; learnt by the folded error, which
is what is scored and the default, it is more accurate. Blood flow and segmentation: a
small U-Net along the beams. All know depth and angle of each sample, and weigh errors
by the area r dr dtheta that a sample stands for in the image.

References
----------
Cost volumes: Sun et al., PWC-Net: CNNs for Optical Flow Using Pyramid, Warping, and
Cost Volume. CVPR 2018. Directions: Prokudin, Gehler and Nowozin, Deep Directional
Statistics. ECCV 2018. Coordinates: Liu et al., An Intriguing Failing of Convolutional
Neural Networks and the CoordConv Solution. NeurIPS 2018.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from cardium.core import ClipRecipe, Training, need
from cardium.errors import InvalidArgumentError

if TYPE_CHECKING:
    from torch import nn

_TASKS = ("tissue_velocity", "blood_flow", "lv_segmentation")


def build(
    task: str,
    domain: str,
    *,
    width: int = 24,
    levels: int = 3,
    frames: int = 3,
    match: bool = True,
    likelihood: bool = False,
    coordinates: bool = True,
    weigh: bool = True,
) -> nn.Module:
    """Build the network of a task.

    Parameters
    ----------
    task : {"tissue_velocity", "blood_flow", "lv_segmentation"}
        What is asked.
    domain : {"beamspace"}
        What it sees.
    width : int
        Channels of the first level; each further one has half as many more.
    levels : int
        How often the image is halved.
    frames : int
        Frames that a convolution in time sees: odd; 1 for none.
    match : bool
        Tissue velocity only: compare displaced frames.
    likelihood : bool
        Tissue velocity only: learn by the likelihood of a von Mises distribution, which
        says where Doppler is noise, rather than by the folded absolute error. Scored by
        that error, it is worse.
    coordinates : bool
        Tell the network depth and angle of each sample.
    weigh : bool
        Weigh errors by area.

    Returns
    -------
    torch.nn.Module
        The untrained network.

    Raises
    ------
    InvalidArgumentError
        If task or domain are none of these, or a number is out of range.

    Examples
    --------
    >>> network = build("tissue_velocity", "beamspace")
    >>> sum(p.numel() for p in network.parameters()) < 15_363_930 / 10
    True
    """
    if task not in _TASKS or domain != "beamspace":
        raise InvalidArgumentError(
            f"beam_net answers {', '.join(_TASKS)} in beamspace, "
            f"not {task} in {domain}."
        )
    if min(width, levels, frames) < 1 or frames % 2 == 0:
        raise InvalidArgumentError(
            "beam_net: width, levels and frames must be positive and frames odd, got "
            f"{width}, {levels} and {frames}."
        )
    need("torch", extra="torch")
    from cardium.clip_models import _beam_net

    if task == "tissue_velocity":
        return _beam_net.RadialNet(
            width=width,
            levels=levels,
            frames=frames,
            match=match,
            likelihood=likelihood,
            coordinates=coordinates,
            weigh=weigh,
        )
    kind = _beam_net.FlowNet if task == "blood_flow" else _beam_net.ShapeNet
    return kind(
        8 if task == "blood_flow" else 3,
        width=width,
        levels=levels,
        frames=frames,
        coordinates=coordinates,
        weigh=weigh,
    )


MODEL = ClipRecipe(
    name="beam_net",
    title="Beamspace network at native resolution",
    tasks=frozenset(_TASKS),
    domains=frozenset({"beamspace"}),
    protocol="corrected",
    family="network",
    build=build,
    settings=MappingProxyType(
        {
            "width": 24,
            "levels": 3,
            "frames": 3,
            "match": True,
            "likelihood": False,
            "coordinates": True,
            "weigh": True,
        }
    ),
    training=Training(
        optimizer="adamw",
        learning_rate=3e-3,
        schedule="one_cycle",
        weight_decay=0.01,
    ),
)
