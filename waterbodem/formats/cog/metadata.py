"""What a map tells of itself in its own metadata, so that a file that was copied away keeps where it came from."""

from __future__ import annotations

from collections.abc import Iterable

from waterbodem.core.version import __version__
from waterbodem.definitions import registry
from waterbodem.definitions.models import Functie

#: Where it is not stated under which licence a layer may be passed on.
UNKNOWN = "onbekend"


def made_with(library: str = __version__, rules: str = "") -> dict[str, str]:
    """Version of the library and of the definitions; default those of now.

    Examples
    --------
    >>> sorted(made_with())
    ['DEFINITIES', 'TIFFTAG_SOFTWARE']
    """
    return {"TIFFTAG_SOFTWARE": f"waterbodem {library}", "DEFINITIES": rules or registry.rules_version()}


def functie_tags(functie: Functie) -> dict[str, str]:
    """Functie of a map, and the fingerprint of all its numbers."""
    return {"FUNCTIE": functie.id, "FUNCTIE_SHA256": registry.definition_sha256(functie)}


def licence_text(licences: Iterable[tuple[str, str | None]]) -> str:
    """Licences of layers in one line, each with its layers.

    Examples
    --------
    >>> licence_text([("ghg", "CC BY 4.0"), ("kwel", None), ("glg", "CC BY 4.0")])
    'CC BY 4.0: ghg, glg; onbekend: kwel'
    """
    of: dict[str, list[str]] = {}
    for layer, licence in licences:
        of.setdefault(licence or UNKNOWN, []).append(layer)
    return "; ".join(f"{licence}: {', '.join(of[licence])}" for licence in sorted(of))
