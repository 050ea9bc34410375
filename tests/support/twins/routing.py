"""Section 6, surface water: who receives it, where it leaves, and how exposed those downstream are."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tests.support.twins.layers import layer
from tests.support.twins.numbers import NAN, at_least, at_most, clip, known_or, unknown

LENGTH_M = 2000.0
TOLD_FROM = 0.20
DRAWN_TO = 0.80


@dataclass(frozen=True)
class Network:
    """Per cell the cell downstream (-1: none), the distance to it (m), and whether it is open water."""

    downstream: list
    distance: list
    water: list
    length: float = LENGTH_M

    def q(self, x):
        return math.exp(-self.distance[x] / self.length)

    @property
    def upstream_first(self):
        """Every cell after all that drain into it."""
        depth = [self.steps(x) for x in range(len(self.downstream))]
        return sorted(range(len(depth)), key=lambda x: -depth[x])

    def steps(self, x):
        """Cells on the way to the end."""
        count = 0
        while self.downstream[x] >= 0:
            x, count = self.downstream[x], count + 1
            if count > len(self.downstream):
                raise ValueError(f"a cycle through cell {x}")
        return count


def source_m3(afvoer, verdrongen, cell_m2, cover=1.0):
    """E of one cell of the plan."""
    return max(0.0, known_or(afvoer, 0.0) + known_or(verdrongen, 0.0)) * cell_m2 / 1e4 * cover


def received(network, sources):
    """R, P and leaving of every cell, in m3."""
    count = len(sources)
    got, passing, leaving = [0.0] * count, [0.0] * count, [0.0] * count
    for x in network.upstream_first:
        own, y = known_or(sources[x], 0.0), network.downstream[x]
        if network.water[x]:
            got[x] += own
            continue
        gone = passing[x] + own
        if y < 0:
            leaving[x] = gone
            continue
        stays = 1.0 if network.water[y] else 1 - network.q(x)
        got[y] += stays * gone
        passing[y] += (1 - stays) * gone
    return got, passing, leaving


def exposure(network, vulnerability):
    """D of every cell, and the share of its water of which nothing is known."""
    count = len(vulnerability)
    exposed, open_share = [0.0] * count, [1.0] * count
    for x in reversed(network.upstream_first):
        y = network.downstream[x]
        if y < 0 or network.water[x] or network.water[y]:
            continue
        q, v = network.q(x), vulnerability[y]
        exposed[x] = (1 - q) * known_or(v, 0.0) + q * exposed[y]
        open_share[x] = (1 - q) * float(unknown(v)) + q * open_share[y]
    return exposed, open_share


def vulnerability(values):
    """V of one cell: the layer, else by wateroverlast."""
    if "kwetsbaarheid" in values:
        return layer(values, "kwetsbaarheid")
    return clip(layer(values, "wateroverlast") / 0.30, 0, 1)


def is_lower_bound(open_share):
    """Whether a text says "ten minste"."""
    return at_least(open_share, TOLD_FROM)


def benedenstrooms(m3_per_ha, exposed, open_share):
    """How much a functie would burden somebody downstream; not drawn where too little is known."""
    return min(1.0, m3_per_ha / 1600) * exposed if at_most(open_share, DRAWN_TO) else NAN
