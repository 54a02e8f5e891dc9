"""Leads of the electrocardiogram: their names, and the usual sets of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cardium.core import Stream
from cardium.errors import InvalidArgumentError, NotProvidedError

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""The twelve leads of the standard ECG, in the order in which it is stored."""

LEAD_SETS: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {
        12: LEADS,
        6: LEADS[:6],
        4: ("I", "II", "III", "V2"),
        3: ("I", "II", "V2"),
        2: ("I", "II"),
    }
)
"""The sets of leads of the PhysioNet/CinC Challenge 2021, by their number."""


def lead_name(written: str) -> str:
    """Return a lead's standard name, whatever the case and prefix it is written in.

    Parameters
    ----------
    written : str
        As a file names it: ``"AVR"``, ``"Lead II"``, ``"MDC_ECG_LEAD_V1"``,
        ``"v5 "``, ``"Lead I (Einthoven)"``.

    Returns
    -------
    str
        ``"aVR"``, ``"II"``, ``"V1"``. What is none of the twelve, such as ``"MLII"``
        or ``"ECG1"``, stays as it is written, without blanks around it.

    Examples
    --------
    >>> [lead_name(name) for name in ("AVR", "Lead I (Einthoven)", "v5 ", "MLII")]
    ['aVR', 'I', 'V5', 'MLII']
    """
    text = re.sub(r"\(.*?\)", "", written.upper())
    text = re.sub(r"^(MDC_ECG_LEAD_|ECG[ _-]*LEAD[ _-]*|LEAD[ _-]*|ECG[ _-]+)", "",
                  text.strip())  # fmt: skip
    return _BY_CAPITALS.get(text.strip(" _-"), written.strip())


def derive_limb_leads(
    lead_i: NDArray[np.floating], lead_ii: NDArray[np.floating]
) -> dict[str, NDArray[np.floating]]:
    """Compute the four limb leads that follow from I and II.

    Parameters
    ----------
    lead_i, lead_ii : (T,) [mV]
        Leads I and II.

    Returns
    -------
    dict of str to (T,) [mV]
        III, aVR, aVL and aVF.

    Notes
    -----
    Einthoven's law, III = II - I, and Goldberger's definitions,
    aVR = -(I + II) / 2, aVL = I - II / 2, aVF = II - I / 2.

    Examples
    --------
    >>> one, two = np.array([0.4]), np.array([1.0])
    >>> {k: round(float(v[0]), 6) for k, v in derive_limb_leads(one, two).items()}
    {'III': 0.6, 'aVR': -0.7, 'aVL': -0.1, 'aVF': 0.8}
    """
    return {
        "III": lead_ii - lead_i,
        "aVR": -(lead_i + lead_ii) / 2,
        "aVL": lead_i - lead_ii / 2,
        "aVF": lead_ii - lead_i / 2,
    }


def select_leads(ecg: Stream, leads: Sequence[str] | int) -> Stream:
    """Keep some leads of an ECG, in the order asked for.

    Parameters
    ----------
    ecg : Stream (time, lead)
        With the names of its leads; they are read as `lead_name` reads them.
    leads : sequence of str, or {12, 6, 4, 3, 2}
        Names, or one of `LEAD_SETS`.

    Returns
    -------
    Stream (time, lead)
        In memory, or the ECG itself if it has just these. Limb leads that are not
        stored are computed from I and II where these are (`derive_limb_leads`).

    Raises
    ------
    NotProvidedError
        If a lead is neither there nor can be computed.
    InvalidArgumentError
        If there is no set of so many leads, or the stream has no leads.

    Examples
    --------
    >>> ecg = Stream("ecg", np.array([[0.4, 1.0], [0.0, 0.5]]), np.arange(2) / 500,
    ...              ("time", "lead"), "mV", coords={"lead": ("I", "II")})
    >>> six = select_leads(ecg, 6)
    >>> six.coords["lead"][2], six.values[:, 2].tolist()
    ('III', [0.6, 0.5])
    """
    if isinstance(leads, int):
        if leads not in LEAD_SETS:
            raise InvalidArgumentError(
                f"There is no set of {leads} leads; there are sets of "
                f"{', '.join(map(str, LEAD_SETS))}."
            )
        leads = LEAD_SETS[leads]
    if ecg.dims != ("time", "lead") or "lead" not in ecg.coords:
        raise InvalidArgumentError(
            f"Stream '{ecg.name}' has axes {ecg.dims} and no names of leads to choose "
            "from."
        )
    wanted = tuple(leads)
    if ecg.coords["lead"] == wanted:
        return ecg
    values = ecg.load()
    named = {lead_name(n): values[:, k] for k, n in enumerate(ecg.coords["lead"])}
    if {"I", "II"} <= named.keys():
        named = derive_limb_leads(named["I"], named["II"]) | named
    if lacking := [name for name in wanted if name not in named]:
        raise NotProvidedError(
            f"Stream '{ecg.name}' has no lead '{lacking[0]}'. It has: "
            f"{', '.join(ecg.coords['lead'])}."
        )
    chosen = np.stack([named[name] for name in wanted], axis=1).astype(values.dtype)
    return replace(ecg, values=chosen, coords={**ecg.coords, "lead": wanted})


_BY_CAPITALS = {name.upper(): name for name in LEADS}
