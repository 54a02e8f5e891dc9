"""Statements of the SCP-ECG standard: what kind each is of, and what they amount to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from cardium.errors import InvalidArgumentError

StatementKind = Literal["superclass", "subclass", "diagnostic", "form", "rhythm", "all"]


@dataclass(frozen=True, slots=True)
class Statement:
    """What kind of statement an SCP code is; four codes are of two kinds.

    Parameters
    ----------
    diagnostic, form, rhythm : bool
        Whether it is a diagnosis, or tells of the form or the rhythm of the ECG.
    superclass : str
        NORM, MI, STTC, CD or HYP; empty if it is no diagnosis.
    subclass : str
        One of 23; empty if it is no diagnosis.
    """

    diagnostic: bool = False
    form: bool = False
    rhythm: bool = False
    superclass: str = ""
    subclass: str = ""


# by superclass and subclass
_DIAGNOSTIC: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("CD", "CLBBB"): "CLBBB",
        ("CD", "CRBBB"): "CRBBB",
        ("CD", "ILBBB"): "ILBBB",
        ("CD", "IRBBB"): "IRBBB",
        ("CD", "IVCD"): "IVCD",
        ("CD", "LAFB/LPFB"): "LAFB LPFB",
        ("CD", "WPW"): "WPW",
        ("CD", "_AVB"): "1AVB 2AVB 3AVB",
        ("HYP", "LAO/LAE"): "LAO/LAE",
        ("HYP", "LVH"): "LVH",
        ("HYP", "RAO/RAE"): "RAO/RAE",
        ("HYP", "RVH"): "RVH",
        ("HYP", "SEHYP"): "SEHYP",
        ("MI", "AMI"): "ALMI AMI ASMI INJAL INJAS INJLA",
        ("MI", "IMI"): "ILMI IMI INJIL INJIN IPLMI IPMI",
        ("MI", "LMI"): "LMI",
        ("MI", "PMI"): "PMI",
        ("NORM", "NORM"): "NORM",
        ("STTC", "ISCA"): "ISCAL ISCAN ISCAS ISCLA",
        ("STTC", "ISCI"): "ISCIL ISCIN",
        ("STTC", "ISC_"): "ISC_",
        ("STTC", "NST_"): "NST_",
        ("STTC", "STTC"): "ANEUR DIG EL LNGQT NDT",
    }
)
_FORM = [
    "ABQRS",
    "DIG",
    "HVOLT",
    "INVT",
    "LNGQT",
    "LOWT",
    "LPR",
    "LVOLT",
    "NDT",
    "NST_",
    "NT_",
    "PAC",
    "PRC(S)",
    "PVC",
    "QWAVE",
    "STD_",
    "STE_",
    "TAB_",
    "VCLVH",
]
_RHYTHM = [
    "AFIB",
    "AFLT",
    "BIGU",
    "PACE",
    "PSVT",
    "SARRH",
    "SBRAD",
    "SR",
    "STACH",
    "SVARR",
    "SVTAC",
    "TRIGU",
]
_CLASSES = {
    code: where for where, codes in _DIAGNOSTIC.items() for code in codes.split()
}
SCP_STATEMENTS: Mapping[str, Statement] = MappingProxyType(
    {
        code: Statement(
            code in _CLASSES,
            code in _FORM,
            code in _RHYTHM,
            *_CLASSES.get(code, ("", "")),
        )
        for code in sorted({*_CLASSES, *_FORM, *_RHYTHM})
    }
)
"""The 71 statements of PTB-XL, as its ``scp_statements.csv`` (1.0.3) has them.

44 are diagnostic, 19 tell of the form and 12 of the rhythm; four are of two kinds.
"""

_UNKNOWN = Statement()


def statements(
    codes: Mapping[str, float],
    table: Mapping[str, Statement],
    *,
    kind: StatementKind,
    min_likelihood: float = 0.0,
) -> tuple[str, ...]:
    """Turn the codes of a recording into the names of one label.

    Parameters
    ----------
    codes : mapping of str to float [%]
        The recording's SCP codes and the likelihood stated for each, 0..100.
    table : mapping of str to Statement
        What each code is; `SCP_STATEMENTS`.
    kind : {"superclass", "subclass", "diagnostic", "form", "rhythm", "all"}
        Which names to give: classes of the diagnostic codes (5 or 23), the diagnostic
        codes (44), the form codes (19), the rhythm codes (12), or every code (71).
    min_likelihood : float [%]
        Leave out diagnostic codes with a lower likelihood.

    Returns
    -------
    tuple of str
        Sorted, without repetition; empty if the recording has no code of the kind.

    Raises
    ------
    InvalidArgumentError
        If there is no such kind, or the likelihood is not in 0..100.

    Notes
    -----
    A likelihood of 0 means that none was stated, not that the statement is unlikely:
    nearly all form and rhythm codes carry 0. Such a code therefore always counts, and
    a threshold applies to diagnostic codes alone. The default keeps every code, which
    is the rule of the benchmark of Strodthoff et al. (2021).

    Examples
    --------
    >>> table = {"IMI": Statement(diagnostic=True, superclass="MI", subclass="IMI"),
    ...          "NDT": Statement(diagnostic=True, form=True, superclass="STTC",
    ...                           subclass="STTC"),
    ...          "SR": Statement(rhythm=True)}
    >>> codes = {"IMI": 15.0, "NDT": 100.0, "SR": 0.0}
    >>> statements(codes, table, kind="superclass")
    ('MI', 'STTC')
    >>> statements(codes, table, kind="superclass", min_likelihood=50)
    ('STTC',)
    >>> statements(codes, table, kind="rhythm", min_likelihood=50)
    ('SR',)
    """
    if kind not in get_args(StatementKind):
        raise InvalidArgumentError(
            f"kind must be one of {', '.join(get_args(StatementKind))}, got '{kind}'."
        )
    if not 0 <= min_likelihood <= 100:
        raise InvalidArgumentError(
            f"min_likelihood is in percent, 0..100, got {min_likelihood}."
        )
    names = set()
    for code, likelihood in codes.items():
        statement = table.get(code, _UNKNOWN)
        unlikely = statement.diagnostic and 0 < likelihood < min_likelihood
        if unlikely and kind not in ("form", "rhythm"):
            continue
        match kind:
            case "superclass" | "subclass":
                names.add(getattr(statement, kind))
            case "all":
                names.add(code)
            case _ if getattr(statement, kind):
                names.add(code)
    return tuple(sorted(names - {""}))


def statement_names(kind: StatementKind) -> tuple[str, ...]:
    """List the names that `statements` can give of one kind, sorted.

    Parameters
    ----------
    kind : {"superclass", "subclass", "diagnostic", "form", "rhythm", "all"}
        Which names.

    Returns
    -------
    tuple of str
        5, 23, 44, 19, 12 or 71 names of PTB-XL.

    Raises
    ------
    InvalidArgumentError
        If there is no such kind.

    Examples
    --------
    >>> statement_names("superclass"), len(statement_names("all"))
    (('CD', 'HYP', 'MI', 'NORM', 'STTC'), 71)
    """
    every = dict.fromkeys(SCP_STATEMENTS, 0.0)
    return statements(every, SCP_STATEMENTS, kind=kind)
