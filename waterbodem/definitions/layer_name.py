"""Name of a layer in a catalogue, a dataset or a run: which layer, and under which scenario."""

from __future__ import annotations

from typing import NamedTuple

#: Between layer and scenario.
AT = "@"


class LayerName(NamedTuple):
    """Layer, and the scenario that it holds for; empty for present conditions.

    Examples
    --------
    >>> LayerName.of("ghg@2050"), str(LayerName("kwel", "2050"))
    (LayerName(layer='ghg', scenario='2050'), 'kwel@2050')
    """

    layer: str
    scenario: str = ""

    @classmethod
    def of(cls, text: object) -> LayerName:
        """Name as it is written: ``layer`` or ``layer@scenario``."""
        layer, _, scenario = str(text).partition(AT)
        return cls(layer, scenario)

    def __str__(self) -> str:
        return f"{self.layer}{AT}{self.scenario}" if self.scenario else self.layer
