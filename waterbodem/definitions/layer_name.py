"""Name of a layer in a catalogue, a dataset or a run: which layer, under which scenario, and which percentile of it."""

from __future__ import annotations

from typing import NamedTuple

#: Between layer, scenario and percentile.
AT = "@"
#: Percentiles of the cell that may stand beside a layer; no scenario has such a name.
PERCENTILES = ("p10", "p90")


class LayerName(NamedTuple):
    """Layer, the scenario that it holds for (empty for present conditions), and the percentile (empty for the value).

    Examples
    --------
    >>> LayerName.of("ghg@2050"), str(LayerName("kwel", "2050"))
    (LayerName(layer='ghg', scenario='2050', percentile=''), 'kwel@2050')
    >>> LayerName.of("ghg@2050@p10").percentile, LayerName.of("ghg@p90").scenario, str(LayerName("ghg", "", "p90"))
    ('p10', '', 'ghg@p90')
    """

    layer: str
    scenario: str = ""
    percentile: str = ""

    @classmethod
    def of(cls, text: object) -> LayerName:
        """Name as it is written: ``layer`` or ``layer@scenario``, either with ``@p10`` or ``@p90`` behind it."""
        named, at, last = str(text).rpartition(AT)
        percentile = last if at and last in PERCENTILES else ""
        layer, _, scenario = (named if percentile else str(text)).partition(AT)
        return cls(layer, scenario, percentile)

    def __str__(self) -> str:
        return AT.join(part for part in self if part)
