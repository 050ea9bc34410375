"""The layers that the rules know, as a user looks them up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from waterbodem.core.html import html_table
from waterbodem.definitions.models import LayerKind
from waterbodem.definitions.notation import written
from waterbodem.definitions.registry import layer_kinds


class Lagen(Mapping[str, LayerKind]):
    """Layers by id, in the order of rekenregels section 1."""

    def __getitem__(self, key: str) -> LayerKind:
        return layer_kinds()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(layer_kinds())

    def __len__(self) -> int:
        return len(layer_kinds())

    def __repr__(self) -> str:
        lines = (f"  {id_:<22} {unit:<5} {span:<13} {rising}" for id_, unit, span, rising, _ in self._rows())
        return "<Lagen>\n" + "\n".join(lines)

    def _repr_html_(self) -> str:
        return html_table("Lagen", ["id", "eenheid", "bereik", "teken", "grootheid"], self._rows())

    def _rows(self) -> Iterator[tuple[str, str, str, str, str]]:
        for kind in self.values():
            low, high = map(written, kind.range)
            yield kind.id, kind.unit, f"{low} .. {high}", kind.richting, kind.grootheid


def lagen() -> Lagen:
    """Layers that the rules know, by id: unit, plausible range, what a larger value means.

    Returns
    -------
    mapping of str to LayerKind

    Examples
    --------
    >>> import waterbodem as wb
    >>> kwel = wb.lagen()["kwel"]
    >>> kwel.unit, kwel.range, sorted(kwel.teken)
    ('mm/d', (-20.0, 20.0), ['down', 'up'])
    """
    return Lagen()
