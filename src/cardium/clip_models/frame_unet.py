"""The 2-D U-Net of the EchoXFlow benchmark: `temporal_unet` without a look aside.

It is the same network, but no kernel reaches into a neighbouring frame; so it has a
third of the weights. A frame still hears a little of the others: activations are
normalised over all frames of a clip, as in the paper's code, and for blood flow the
answers of two frames are mixed between them.

References
----------
The paper on EchoXFlow, arXiv 2605.05447.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from cardium.clip_models.temporal_unet import DOMAINS, PAPER, TASKS, WIDTHS
from cardium.core import ClipRecipe, need

if TYPE_CHECKING:
    from torch import nn


def build(task: str, domain: str, *, widths: str = WIDTHS) -> nn.Module:
    """Build the network for the published items of a task.

    Parameters
    ----------
    task : {"tissue_velocity", "blood_flow", "lv_segmentation"}
        What it answers.
    domain : {"beamspace", "cartesian"}
        What it sees. Only the segmentation's loss depends on it.
    widths : str
        Channels of the stages; see `cardium.clip_models.temporal_unet.build`.

    Returns
    -------
    torch.nn.Module
        The untrained network; see `cardium.core.ClipRecipe`.

    Raises
    ------
    InvalidArgumentError
        If it does not know the task, or the widths are not two or more positive
        numbers.

    Examples
    --------
    >>> network = build("tissue_velocity", "beamspace")
    >>> sum(p.numel() for p in network.parameters())
    5206746
    """
    need("torch", extra="torch")
    from cardium.clip_models._paper_unet import build_network

    return build_network(task, domain, widths=widths, temporal=False)


MODEL = ClipRecipe(
    name="frame_unet",
    title="The paper's 2-D U-Net, frame by frame",
    tasks=TASKS,
    domains=DOMAINS,
    protocol="published",
    family="network",
    build=build,
    settings=MappingProxyType({"widths": WIDTHS}),
    reference=PAPER,
)
