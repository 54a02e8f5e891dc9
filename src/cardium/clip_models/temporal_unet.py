"""The 3-D U-Net of the EchoXFlow benchmark: frames in, a field for each moment out.

Space is halved from stage to stage, time never, so a clip may have any number of
frames. Which of the kernels reach into the neighbouring frames depends on the task:

- ``tissue_velocity``: all but the first stage's;
- ``blood_flow``: those of the deeper stages, from the fourth on;
- ``lv_segmentation``: all.

Activations are normalised over all frames and pixels of a clip (`InstanceNorm3d`
without weights), in training as in use.

References
----------
The paper on EchoXFlow, arXiv 2605.05447. The residual U-Net is that of Kerfoot et al.,
Left-Ventricle Quantification Using Residual U-Net. STACOM 2018.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from cardium.core import ClipRecipe, need

if TYPE_CHECKING:
    from torch import nn

TASKS = frozenset({"tissue_velocity", "blood_flow", "lv_segmentation"})
DOMAINS = frozenset({"beamspace", "cartesian"})
WIDTHS = "32,64,128,256,320,320"
PAPER = "EchoXFlow, arXiv 2605.05447"


def build(task: str, domain: str, *, widths: str = WIDTHS) -> nn.Module:
    """Build the network for the published items of a task.

    Parameters
    ----------
    task : {"tissue_velocity", "blood_flow", "lv_segmentation"}
        What it answers.
    domain : {"beamspace", "cartesian"}
        What it sees. Only the segmentation's loss depends on it.
    widths : str
        Channels of the stages. Each but the last halves the image; a size that cannot
        be halved that often is padded and cropped.

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
    15363930
    """
    need("torch", extra="torch")
    from cardium.clip_models._paper_unet import build_network

    return build_network(task, domain, widths=widths, temporal=True)


MODEL = ClipRecipe(
    name="temporal_unet",
    title="The paper's 3-D U-Net, over clips",
    tasks=TASKS,
    domains=DOMAINS,
    protocol="published",
    family="network",
    build=build,
    settings=MappingProxyType({"widths": WIDTHS}),
    reference=PAPER,
)
