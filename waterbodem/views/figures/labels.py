"""Where names and numbers of polygons stand on a map: at them, within the map, and free of each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from waterbodem.core.grid import Bounds
from waterbodem.views.names import distinct_names

Boxes = NDArray[np.float64]

#: Up to this many polygons are named on a map; above, numbered, and above the second neither.
NAMED, NUMBERED = 8, 60
#: Between a polygon and its name, as a share of the height of a line.
GAP = 0.25


@dataclass(frozen=True)
class Label:
    """A text, and the middle of it."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Paper:
    """What is written on: its sides, the size of a letter and the height of a line, in the units of the map.

    ``up`` is -1 where y grows downwards; ``wide`` measures a text in letters.
    """

    left: float
    right: float
    letter: float
    line: float
    up: int = 1
    wide: Callable[[str], float] = len

    def width(self, text: str) -> float:
        """Return the width of a text, in the units of the map."""
        return self.wide(text) * self.letter


def are_numbered(count: int) -> bool:
    """Tell whether so many polygons get numbers, not names."""
    return NAMED < count <= NUMBERED


def labels_of(
    numbers: Sequence[int], names: Sequence[str], boxes: Boxes, paper: Paper, letters: int
) -> list[Label | None]:
    """Return what is written at polygons, and where; None for those without: names if they are few, else numbers.

    Parameters
    ----------
    numbers, names : sequences of int and str
    boxes, paper : ndarray (n, 4), Paper
        As for :func:`placed`.
    letters : int
        Of a name at most.
    """
    if len(numbers) > NUMBERED:
        return [None] * len(numbers)
    numbered = are_numbered(len(numbers))
    cut = distinct_names(dict(zip(numbers, names, strict=True)), letters)
    texts = [str(n) if numbered else cut[n] for n in numbers]
    return placed(texts, boxes, paper, inside=numbered)


def placed(
    texts: Sequence[str], boxes: Boxes, paper: Paper, *, inside: bool, among: Sequence[Label] = ()
) -> list[Label | None]:
    """Return where texts stand: those of large polygons choose first; None where every place is taken.

    Parameters
    ----------
    texts : sequence of str
    boxes : ndarray (n, 4)
        Of the polygons: xmin, ymin, xmax, ymax.
    paper : Paper
    inside : bool
        Whether a text would rather stand in a polygon than above it.
    among : sequence of Label
        Texts that stand there already.

    Examples
    --------
    >>> paper = Paper(left=0, right=100, letter=2, line=4)
    >>> boxes = np.array([[40.0, 0, 60, 20], [40, 0, 50, 10]])
    >>> [(label.text, label.x, label.y) for label in placed(["Es", "Veen"], boxes, paper, inside=False)]
    [('Es', 50.0, 23.0), ('Veen', 45.0, 13.0)]
    """
    found: list[Label | None] = [None] * len(texts)
    taken: list[Bounds] = [_frame(label, paper) for label in among]
    for i in sorted(range(len(texts)), key=lambda i: -_size(boxes[i])):
        for label in _places(texts[i], boxes[i].tolist(), paper, inside):
            frame = _frame(label, paper)
            if not any(_meet(frame, other) for other in taken):
                found[i] = label
                taken.append(frame)
                break
    return found


def _places(text: str, box: Sequence[float], paper: Paper, inside: bool) -> Iterator[Label]:
    xmin, ymin, xmax, ymax = box
    half, away = paper.width(text) / 2, (0.5 + GAP) * paper.line
    x = max(paper.left + half, min((xmin + xmax) / 2, paper.right - half))
    outer = [ymax + away, ymin - away][:: paper.up]
    middle = (ymin + ymax) / 2
    for y in (middle, *outer) if inside else (*outer, middle):
        yield Label(x, y, text)


def _frame(label: Label, paper: Paper) -> Bounds:
    half = paper.width(label.text) / 2
    return label.x - half, label.y - paper.line / 2, label.x + half, label.y + paper.line / 2


def _size(box: Boxes) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))


def _meet(a: Bounds, b: Bounds) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
