"""Overview of the maps of a functie: one picture drawn with Pillow, the same bytes on every machine."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
from matplotlib.font_manager import FontProperties, findfont
from PIL import Image, ImageDraw, ImageFont

from waterbodem.definitions.labels import plain_number, short_name
from waterbodem.views.figures.sheet import (
    CROWDED,
    EDGE,
    GREY,
    OUTLINE,
    STRIPE,
    Array,
    Entry,
    Frame,
    Panel,
    Scale,
    scheme_of,
)

#: Maps in a row, and pixels: of a map, left of it, between maps, of titles and axes, of a line and a scale of a legend.
COLUMNS, MAP, LEFT, GAP = 3, 341, 59, 31
TOP, HEAD, AXIS, LINE, SCALE = 58, 30, 48, 16, 58
WIDTH = LEFT + COLUMNS * (MAP + GAP)
#: Heights of letters.
SMALL, NAME, TITLE = 11, 15, 20


def overview_png(title: str, remark: str, panels: Sequence[Panel], frame: Frame) -> bytes:
    """Picture of maps in rows, each with its legend, as PNG.

    Parameters
    ----------
    title, remark : str
        What stands above the maps.
    panels : sequence of Panel
    frame : Frame
        Where the cells lie, and outlines.

    Returns
    -------
    bytes
    """
    rows = [panels[i : i + COLUMNS] for i in range(0, len(panels), COLUMNS)]
    high = round(MAP * frame.aspect)
    heights = [HEAD + high + AXIS + max(map(_legend_height, row)) for row in rows]
    image = Image.new("RGB", (WIDTH, TOP + sum(heights)), "white")
    draw = ImageDraw.Draw(image)
    draw.text((LEFT, 6), title, OUTLINE, _font(TITLE, bold=True))
    draw.text((LEFT, 33), remark, OUTLINE, _font(SMALL))
    top = TOP
    for row, height in zip(rows, heights, strict=True):
        for i, panel in enumerate(row):
            _draw_panel(image, panel, frame, (LEFT + i * (MAP + GAP), top + HEAD), high, first=i == 0)
        top += height
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@cache
def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    file = findfont(FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal"))
    return ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC)


def _draw_panel(image: Image.Image, panel: Panel, frame: Frame, at: tuple[int, int], high: int, first: bool) -> None:
    x, y = at
    draw = ImageDraw.Draw(image)
    draw.text((x, y - 6), panel.title, OUTLINE, _font(NAME, bold=True), anchor="ls")
    image.paste(_map(panel, frame, high, first), at)
    draw.rectangle((x, y, x + MAP - 1, y + high - 1), outline=EDGE)
    _draw_axes(draw, frame, at, high, first)
    if first:
        _draw_upright(image, (x - LEFT + 9, y + high // 2), frame.axis_names[1])
    _draw_legend(image, panel, x, y + high + AXIS, frame.taal)


# --- a map -----------------------------------------------------------------------------------------------------------


def _pixels(frame: Frame, high: int) -> Callable[[Array], Array]:
    """Way from coordinates (n, 2) [km] to pixels of a map, whose view lies in its middle."""
    left, right, bottom, top = frame.view
    scale = min(MAP / (right - left), high / (top - bottom))
    middle = np.array([(left + right) / 2, (bottom + top) / 2])
    return lambda points: (np.asarray(points) - middle) * (scale, -scale) + (MAP / 2, high / 2)


def _map(panel: Panel, frame: Frame, high: int, first: bool) -> Image.Image:
    to_pixels = _pixels(frame, high)
    left, right, bottom, top = frame.extent
    (x0, y0), (x1, y1) = np.rint(to_pixels(np.array([(left, top), (right, bottom)]))).astype(int).tolist()
    cells = Image.fromarray(panel.image).resize((max(1, x1 - x0), max(1, y1 - y0)), Image.Resampling.NEAREST)
    drawn = Image.new("RGB", (MAP, high), "white")
    drawn.paste(cells, (x0, y0), cells)
    draw = ImageDraw.Draw(drawn)
    for colour, width in (("white", 3), (OUTLINE, 1)) if len(frame.rings) <= CROWDED else ((OUTLINE, 1),):
        for ring in frame.rings:
            draw.line([(x, y) for x, y in to_pixels(ring).tolist()], colour, width)
    if first:
        _draw_scale_bar(draw, frame, to_pixels, high)
    return drawn


def _draw_scale_bar(draw: ImageDraw.ImageDraw, frame: Frame, to_pixels: Callable[[Array], Array], high: int) -> None:
    """Bar of a round length, about a quarter of the width."""
    left, right, bottom, _ = frame.view
    length = max(v for v in _round_lengths((right - left) / 4) if v <= (right - left) / 4 * 1.0001)
    (start, _), (end, _) = to_pixels(np.array([(left, bottom), (left + length, bottom)])).tolist()
    x, y, wide = 14, high - 14, end - start
    draw.line([(x - 1, y), (x + wide + 1, y)], "white", 6)
    draw.line([(x, y), (x + wide, y)], OUTLINE, 3)
    text = (
        f"{plain_number(length, frame.taal)} km"
        if length >= 1
        else f"{plain_number(round(length * 1000, 3), frame.taal)} m"
    )
    place = (x + wide / 2, y - 5)
    draw.text(place, text, OUTLINE, _font(SMALL), anchor="mb", stroke_width=2, stroke_fill="white")


def _round_lengths(near: float) -> list[float]:
    power = 10.0 ** math.floor(math.log10(near))
    return [f * power for f in (1, 2, 5, 10)]


def _ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers between two, at most so many steps apart."""
    step = next(v for v in _round_lengths((high - low) / count) if v * count * 1.0001 >= high - low)
    return [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _draw_axes(draw: ImageDraw.ImageDraw, frame: Frame, at: tuple[int, int], high: int, first: bool) -> None:
    left, right, bottom, top = frame.view
    to_pixels, write = _pixels(frame, high), partial(draw.text, fill=GREY, font=_font(SMALL))
    x0, y0 = at
    for tick in _ticks(left, right):
        x = x0 + float(to_pixels(np.array([(tick, bottom)]))[0, 0])
        draw.line([(x, y0 + high), (x, y0 + high + 3)], GREY)
        write((x, y0 + high + 5), _number(tick, frame.taal), anchor="ma")
    write((x0 + MAP / 2, y0 + high + 20), frame.axis_names[0], anchor="ma")
    for tick in _ticks(bottom, top) if first else ():
        y = y0 + float(to_pixels(np.array([(left, tick)]))[0, 1])
        draw.line([(x0 - 4, y), (x0 - 1, y)], GREY)
        write((x0 - 6, y), _number(tick, frame.taal), anchor="rm")


def _draw_upright(image: Image.Image, at: tuple[int, int], text: str) -> None:
    """Text that is read from below, with its middle at a place."""
    wide, high = (math.ceil(v) for v in _font(SMALL).getbbox(text)[2:])
    line = Image.new("RGB", (wide + 2, high + 2), "white")
    ImageDraw.Draw(line).text((1, 1), text, GREY, _font(SMALL))
    turned = line.transpose(Image.Transpose.ROTATE_90)
    image.paste(turned, (at[0] - turned.width // 2, at[1] - turned.height // 2))


def _number(value: float, taal: str) -> str:
    return plain_number(round(value, 3), taal).replace("\u2212", "-")


# --- a legend --------------------------------------------------------------------------------------------------------


def _legend_height(panel: Panel) -> int:
    return 12 + LINE * len(panel.entries) + (SCALE if panel.scale else 0)


def _draw_legend(image: Image.Image, panel: Panel, x: int, y: int, taal: str) -> None:
    if panel.scale:
        _draw_colours(image, panel.scale, x, y, taal)
        y += SCALE
    draw = ImageDraw.Draw(image)
    for i, entry in enumerate(panel.entries):
        _draw_entry(draw, entry, x, y + i * LINE)


def _draw_entry(draw: ImageDraw.ImageDraw, entry: Entry, x: int, y: int) -> None:
    label, colour, striped = entry
    draw.rectangle((x, y, x + 18, y + 10), fill=colour, outline=STRIPE)
    for start, end in _stripes(x, y) if striped else ():
        draw.line([start, end], STRIPE)
    draw.text((x + 26, y + 5), short_name(label, 38), OUTLINE, _font(SMALL), anchor="lm")


def _stripes(x: int, y: int) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    return (((x + i, y + 10), (x + min(i + 10, 18), y + 10 - min(10, 18 - i))) for i in range(0, 18, 5))


def _draw_colours(image: Image.Image, scale: Scale, x: int, y: int, taal: str) -> None:
    scheme, low, high, label = scale
    wide = round(0.9 * MAP)
    row: Any = (scheme_of(scheme)(np.linspace(0, 1, wide))[:, :3] * 255).round().astype(np.uint8)
    image.paste(Image.fromarray(np.repeat(row[None], 18, axis=0)), (x, y))
    draw = ImageDraw.Draw(image)
    draw.rectangle((x, y, x + wide - 1, y + 17), outline=EDGE)
    for tick in _ticks(low, high, 5):
        at = x + (tick - low) / (high - low) * (wide - 1)
        draw.line([(at, y + 18), (at, y + 20)], GREY)
        draw.text((at, y + 22), plain_number(round(tick, 4), taal), GREY, _font(SMALL), anchor="ma")
    draw.text((x + wide / 2, y + 36), label, GREY, _font(SMALL), anchor="ma")
