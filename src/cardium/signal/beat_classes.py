"""Beats of the electrocardiogram by the classes of AAMI EC57."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from cardium.core import Stream
from cardium.errors import UnknownNameError

BEAT_CLASSES = ("N", "S", "V", "F", "Q")
"""Normal, supraventricular ectopic, ventricular ectopic, fusion, unknown or paced."""

BEAT_SYMBOLS = tuple("NLRBAaJSVrFejnE/fQ?")
"""The symbols of PhysioNet's annotations that mark a beat."""

_DECHAZAL = {
    **dict.fromkeys("NLRejBn", "N"),
    **dict.fromkeys("AaJS", "S"),
    **dict.fromkeys("VEr", "V"),
    "F": "F",
    **dict.fromkeys("/fQ?", "Q"),
}
AAMI_MAPPINGS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "dechazal": MappingProxyType(_DECHAZAL),
        "bxb": MappingProxyType({**_DECHAZAL, **dict.fromkeys("ejn", "S")}),
    }
)
"""Which class a symbol is of, by the name of the rule.

``dechazal``, of the machine-learning literature (de Chazal et al., IEEE Transactions on
Biomedical Engineering 51, 2004), counts escape beats as normal. ``bxb``, PhysioNet's
reference program for EC57, counts atrial and nodal escape beats (e, j, n) as
supraventricular ectopic. In both B is normal, r is ventricular, and paced (/), fused
with paced (f), unclassifiable (Q) and unlearnt (?) beats are Q.
"""


def aami_class(symbol: str, mapping: str = "dechazal") -> str:
    """Return the AAMI class of a beat's symbol.

    Parameters
    ----------
    symbol : str
        One of `BEAT_SYMBOLS`.
    mapping : {"dechazal", "bxb"}
        Which of the `AAMI_MAPPINGS`.

    Returns
    -------
    str
        One of `BEAT_CLASSES`.

    Raises
    ------
    UnknownNameError
        If there is no such mapping, or the symbol marks no beat.

    Examples
    --------
    >>> [aami_class(symbol) for symbol in "NLAVFj/"]
    ['N', 'N', 'S', 'V', 'F', 'N', 'Q']
    >>> aami_class("j", "bxb")
    'S'
    """
    if mapping not in AAMI_MAPPINGS:
        raise UnknownNameError("mapping of beats", mapping, AAMI_MAPPINGS)
    if symbol not in AAMI_MAPPINGS[mapping]:
        raise UnknownNameError("beat symbol", symbol, AAMI_MAPPINGS[mapping])
    return AAMI_MAPPINGS[mapping][symbol]


def label_stream(
    name: str, time: ArrayLike, labels: Sequence[str], known: Sequence[str] = ()
) -> Stream:
    """Return labels at points in time as an annotation: beats, or changes of rhythm.

    Parameters
    ----------
    name : str
        ``"beats"``: what each beat is. ``"rhythm"``: what the rhythm is from each time
        to the next, and after the last to the end.
    time : (K,) [s]
        When.
    labels : sequence of str
        What, K names.
    known : sequence of str, optional
        Names in the order of their codes. If not given, those that occur, sorted.

    Returns
    -------
    Stream (K,)
        Codes; ``coords["label"]`` names them. Of labels at one time the last is kept.

    Examples
    --------
    >>> beats = label_stream("beats", [0.2, 1.0, 1.5], "NNV")
    >>> beats.values.tolist(), beats.coords["label"], labels_of(beats)
    ([0, 0, 1], ('N', 'V'), ('N', 'N', 'V'))
    """
    names = tuple(known) or tuple(sorted(set(labels)))
    code = {label: k for k, label in enumerate(names)}
    when = np.asarray(time, np.float64)
    codes = np.array([code[label] for label in labels], np.uint8)
    kept = np.append(np.diff(when) > 0, True)[: len(when)]
    return Stream(
        name, codes[kept], when[kept], ("time",), "label", coords={"label": names}
    )


def labels_of(annotation: Stream) -> tuple[str, ...]:
    """Return the names of the labels of an annotation, one for each of its times."""
    names = annotation.coords["label"]
    return tuple(names[code] for code in annotation.load())
