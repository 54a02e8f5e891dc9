"""Optional libraries: one sentence when one is missing."""

from __future__ import annotations

from importlib.util import find_spec

from cardium.errors import MissingLibraryError


def need(library: str, *, extra: str) -> None:
    """Refuse with the line to type when an optional library is not installed.

    Call it just before the import, inside the function that uses the library, so that
    ``import cardium`` stays light.

    Parameters
    ----------
    library : str
        The name to import: ``"nibabel"``.
    extra : str
        The extra of cardium that brings it: ``"echo"``.

    Raises
    ------
    MissingLibraryError
        If the library cannot be found.

    Examples
    --------
    >>> need("numpy", extra="all")
    >>> need("nosuchlibrary", extra="echo")
    Traceback (most recent call last):
    cardium.errors.MissingLibraryError: The library 'nosuchlibrary' is not installed. \
Type: pip install "cardium[echo]"
    """
    if find_spec(library) is None:
        raise MissingLibraryError(
            f"The library '{library}' is not installed. "
            f'Type: pip install "cardium[{extra}]"'
        )
