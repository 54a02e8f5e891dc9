"""XML files of electrocardiographs: parsed without entities, of bounded size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cardium.core import need
from cardium.errors import DataCorruptError, NotProvidedError
from cardium.io._ecg_parts import corrupt

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_LARGEST = 256 << 20
"""Bytes: an ECG of an hour, written as text, is smaller."""


def read_xml(path: Path) -> Element:
    """Parse a file; names lose their namespace.

    A document type is allowed, because GE's files have one, and is not read; a
    declaration of an entity is refused, and with it both the reading of other files
    and the expansion of few bytes to many.
    """
    need("defusedxml", extra="ecg")
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException, ElementTree

    if (size := path.stat().st_size) > _LARGEST:
        raise NotProvidedError(
            f"'{path}' has {size} bytes of XML; cardium reads up to {_LARGEST}."
        )
    try:
        root: Element = ElementTree.fromstring(path.read_bytes())
    except DefusedXmlException as error:
        raise DataCorruptError(
            f"'{path}' declares or refers to an entity ({type(error).__name__}), which "
            "no ECG file needs and which can read other files or fill the memory. "
            "Remove the declaration if you trust the file."
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise corrupt(path, f"is not well-formed XML ({error})") from error
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2]
    return root


def text_at(element: Element | None, place: str) -> str:
    """Return the text of a descendant, without blanks around it; empty if none."""
    found = None if element is None else element.find(place)
    return "" if found is None else "".join(found.itertext()).strip()


def attribute(element: Element | None, place: str, name: str) -> str:
    """Return an attribute of a descendant; empty if there is none."""
    found = None if element is None else element.find(place)
    return "" if found is None else (found.get(name) or "").strip()
