"""Random changes of electrocardiograms that leave a heart possible and its truth true.

Nothing turns a lead upside down or time around. What disturbs a record arises at the
electrodes, so that the leads that share one are disturbed alike, and what holds between
limb leads (Einthoven: III = II - I; Goldberger: aVR = -(I + II) / 2) still holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

_AMPLITUDE = 0.25
_WANDER = 0.1
_NOISE = 0.03
_STRETCH = 0.1
_STRETCHED = 0.5
_POWERLINE = 0.05
_POWERLINE_SEEN = 0.2
_POWERLINE_HZ = (50.0, 60.0)
_STEP = 0.3
_STEP_SEEN = 0.1
_STEP_DECAY = 0.5
_DROPPED = 0.1
_CHEST = tuple(f"V{k}" for k in range(1, 7))
_ELECTRODES = ("RA", "LA", "LL", *_CHEST)
_LIMB = {
    "I": (-1.0, 1.0, 0.0),
    "II": (-1.0, 0.0, 1.0),
    "III": (0.0, -1.0, 1.0),
    "aVR": (1.0, -0.5, -0.5),
    "aVL": (-0.5, 1.0, -0.5),
    "aVF": (-0.5, -0.5, 1.0),
}


def change_records(
    records: Tensor,
    generator: torch.Generator,
    *,
    leads: Sequence[str] = (),
    rate: float = 0.0,
    scaled: bool = True,
) -> Tensor:
    """Change amplitude, baseline, noise, hum, contacts and a lead of each record.

    Parameters
    ----------
    records : (B, lead, time) [mV]
        The records.
    generator : torch.Generator
        Where chance comes from.
    leads : sequence of str
        Names of the leads; those that are not standard have an electrode each.
    rate : float [Hz]
        Sampling rate; 0 if it is not known, and then nothing that has a frequency or
        a duration in seconds is added.
    scaled : bool
        Whether the amplitude changes; it does not where it may be what is asked for.

    Returns
    -------
    (B, lead, time) [mV]
        Of the same shape.
    """
    names = tuple(leads) or tuple(str(k) for k in range(records.shape[1]))
    if scaled:
        records = change_amplitude(records, generator)
    count, _, samples = records.shape
    shape = (count, electrode_matrix(names).shape[1], samples)
    disturbed = wander(shape, generator) + noise(shape, generator)
    if rate > 0:
        disturbed = disturbed + powerline(shape, generator, rate=rate)
        disturbed = disturbed + electrode_steps(shape, generator, rate=rate)
    added = electrode_matrix(names) @ disturbed
    return drop_chest_lead(records + added.to(records.device), generator, leads=names)


def crop_records(
    records: Tensor,
    lengths: Tensor,
    generator: torch.Generator,
    *,
    length: int,
    stretched: bool,
) -> Tensor:
    """Cut a window out of each record, at a place of its own.

    Parameters
    ----------
    records : (B, lead, time) [mV]
        Padded to one length.
    lengths : (B,)
        How many samples of each are its own; windows lie within them as far as they
        fit.
    generator : torch.Generator
        Where chance comes from.
    length : int
        Samples of a window.
    stretched : bool
        Whether the heart of every second record beats up to a tenth faster or slower.

    Returns
    -------
    (B, lead, length) [mV]
        The windows.
    """
    count = len(records)
    factor = _factors(count, generator) if stretched else torch.ones(count)
    room = (lengths.cpu() - factor * (length - 1) - 1).clamp(min=0)
    start = (torch.rand(count, generator=generator) * (room.floor() + 1)).floor()
    start = torch.minimum(start, room.floor())
    places = start[:, None] + factor[:, None] * torch.arange(length)
    return sample_at(records, places)


def stretch_around_middle(records: Tensor, generator: torch.Generator) -> Tensor:
    """Let the heart of every second window beat faster or slower around its middle.

    The event, which is sample ``time // 2`` of ``(B, lead, time)``, stays in its place.
    """
    factor, middle = _factors(len(records), generator), records.shape[2] // 2
    offset = torch.arange(records.shape[2]) - middle
    return sample_at(records, middle + factor[:, None] * offset)


def sample_at(records: Tensor, places: Tensor) -> Tensor:
    """Read records between their samples, by cubic interpolation.

    Parameters
    ----------
    records : (B, lead, time)
        The records.
    places : (B, N)
        Where to read each, in samples; beyond the ends the last sample is held.

    Returns
    -------
    (B, lead, N)
        Exactly the samples where places are whole numbers. A cubic through four
        samples (Keys, IEEE Transactions on Acoustics, Speech and Signal Processing
        29, 1981) keeps a QRS complex sharper than a straight line does.
    """
    places = places.clamp(0, records.shape[2] - 1)
    first = places.floor()
    part = (places - first).to(records.device)
    index = first.long().to(records.device)
    shares = (
        ((2 - part) * part - 1) * part / 2,
        ((3 * part - 5) * part * part + 2) / 2,
        ((4 - 3 * part) * part + 1) * part / 2,
        (part - 1) * part * part / 2,
    )
    read = torch.zeros_like(records[:, :, :1]).expand(-1, -1, places.shape[1])
    for k, share in enumerate(shares, -1):
        near = (index + k).clamp(0, records.shape[2] - 1)
        near = near[:, None].expand(-1, records.shape[1], -1)
        read = read + share[:, None] * records.gather(2, near)
    return read


def change_amplitude(records: Tensor, generator: torch.Generator) -> Tensor:
    """Scale all leads of a record alike, by e^-0.25 to e^0.25."""
    factor = uniform(generator, (len(records), 1, 1), _AMPLITUDE).exp()
    return records * factor.to(records.device)


def wander(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Return slow waves at the electrodes, of up to 0.1 mV and five turns."""
    count, electrodes, samples = shape
    turns = torch.rand((count, 1, 1), generator=generator) * 5
    phase = torch.rand((count, 1, 1), generator=generator)
    height = uniform(generator, (count, electrodes, 1), _WANDER)
    moment = torch.linspace(0, 1, samples)
    return height * torch.sin(2 * math.pi * (turns * moment + phase))


def noise(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Return white noise at the electrodes, of up to 0.03 mV."""
    level = _NOISE * torch.rand((shape[0], 1, 1), generator=generator)
    return level * torch.randn(shape, generator=generator)


def powerline(
    shape: tuple[int, ...], generator: torch.Generator, *, rate: float
) -> Tensor:
    """Return the hum of the mains, up to 0.05 mV at 50 or 60 Hz, in a fifth of records.

    The mains have one phase and each electrode picks up as much as it does. What
    cannot be sampled at the rate [Hz] is left out.
    """
    count, electrodes, samples = shape
    mains = torch.tensor([hz for hz in _POWERLINE_HZ if hz < rate / 2])
    which = torch.rand(count, generator=generator)
    phase = torch.rand((count, 1, 1), generator=generator)
    seen = torch.rand((count, 1, 1), generator=generator) < _POWERLINE_SEEN
    height = _POWERLINE * torch.rand((count, electrodes, 1), generator=generator)
    if not len(mains):
        return torch.zeros(shape)
    hz = mains[(which * len(mains)).long()][:, None, None]
    turns = hz * torch.arange(samples) / rate + phase
    return seen * height * torch.sin(2 * math.pi * turns)


def electrode_steps(
    shape: tuple[int, ...], generator: torch.Generator, *, rate: float
) -> Tensor:
    """Return a jolt of one electrode, of up to 0.3 mV, in a tenth of the records.

    Its potential jumps and comes back within some half second, which is what the high
    pass of a recorder makes of a step.
    """
    count, electrodes, samples = shape
    at = torch.rand((count, 1, 1), generator=generator) * samples
    height = uniform(generator, (count, 1, 1), _STEP)
    which = torch.randint(electrodes, (count, 1, 1), generator=generator)
    seen = torch.rand((count, 1, 1), generator=generator) < _STEP_SEEN
    since = (torch.arange(samples) - at) / rate
    jolt = height * torch.where(since < 0, 0.0, torch.exp(-since.abs() / _STEP_DECAY))
    return seen * (torch.arange(electrodes)[:, None] == which) * jolt


def drop_chest_lead(
    records: Tensor, generator: torch.Generator, *, leads: Sequence[str]
) -> Tensor:
    """Silence one chest lead in a tenth of the records that have all six."""
    count = len(records)
    which = torch.randint(len(_CHEST), (count,), generator=generator)
    seen = torch.rand(count, generator=generator) < _DROPPED
    if not set(_CHEST) <= set(leads):
        return records
    place = torch.tensor([list(leads).index(name) for name in _CHEST])[which]
    silent = (torch.arange(len(leads)) == place[:, None]) & seen[:, None]
    return records.masked_fill(silent[:, :, None].to(records.device), 0.0)


@lru_cache(maxsize=16)
def electrode_matrix(leads: tuple[str, ...]) -> Tensor:
    """Return what each electrode contributes to each lead, (lead, electrode).

    A chest lead is against the mean of the limbs (Wilson). A lead of another name has
    an electrode of its own.

    Examples
    --------
    >>> electrode_matrix(("I", "V1", "MLII"))[:, [0, 1, 2, 3, -1]].round(decimals=2)
    tensor([[-1.0000,  1.0000,  0.0000,  0.0000,  0.0000],
            [-0.3300, -0.3300, -0.3300,  1.0000,  0.0000],
            [ 0.0000,  0.0000,  0.0000,  0.0000,  1.0000]])
    """
    own = [name for name in leads if name not in _LIMB and name not in _CHEST]
    matrix = torch.zeros(len(leads), len(_ELECTRODES) + len(own))
    for row, name in enumerate(leads):
        if name in _LIMB:
            matrix[row, :3] = torch.tensor(_LIMB[name])
        elif name in _CHEST:
            matrix[row, :3] = -1 / 3
            matrix[row, _ELECTRODES.index(name)] = 1.0
        else:
            matrix[row, len(_ELECTRODES) + own.index(name)] = 1.0
    return matrix


def uniform(generator: torch.Generator, shape: tuple[int, ...], reach: float) -> Tensor:
    """Draw from -reach..reach."""
    return (2 * torch.rand(shape, generator=generator) - 1) * reach


def _factors(count: int, generator: torch.Generator) -> Tensor:
    """Draw by how much each heart is faster, 0.9 to 1.1, and 1 for every second."""
    reach = uniform(generator, (count,), _STRETCH)
    seen = torch.rand(count, generator=generator) < _STRETCHED
    return 1 + reach * seen
