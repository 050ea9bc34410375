"""Raw numbers to values: the compiled pass against the plain arrays, bit for bit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from waterbodem.definitions.registry import layer_kinds
from waterbodem.layers.catalogue import LayerEntry
from waterbodem.layers.decoding import Decoder

DTYPES = ("float32", "float64", "int16", "uint8", "int32")
#: Numbers that files hold, and at which comparisons and rounding go wrong.
ODD = (0, 1, 2, 3, 10, 20, 30, 127, 128, 254, 255, 1000, -1, -9999, 9999, 32767, -32768, 2**31 - 1)
FRACTIONS = (0.1, 0.3, 1 / 3, 0.7, -0.0, 1e-40, 1e30, -3.4028235e38, math.nan, math.inf, -math.inf, 16777217.0)


def numbers(dtype):
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return st.sampled_from([kind.type(v) for v in (*ODD, *FRACTIONS)]) | st.floats(width=8 * kind.itemsize)
    info = np.iinfo(kind)
    return st.sampled_from([v for v in ODD if info.min <= v <= info.max]) | st.integers(info.min, info.max)


def maybe(values):
    return st.none() | values


@st.composite
def cases(draw):
    """A decoder whose nodata and absent are compared exactly, raw numbers for it, and a mask or none."""
    name = draw(st.sampled_from(["droogte", "keileemdiepte", "kwel", "ghg", "beekdal", "grondwaterbescherming"]))
    kind, dtype = layer_kinds()[name], draw(st.sampled_from(DTYPES))
    stated = {"path": "a.tif", "unit": draw(st.sampled_from(UNITS[name]))}
    if kind.teken:
        stated["sign"] = draw(st.sampled_from(sorted(kind.teken)))
    if name == "keileemdiepte":
        stated["absent"] = draw(maybe(st.sampled_from([9999.0, 255.0, 0.3, math.inf])))
    if draw(st.booleans()):
        stated["range"] = draw(st.sampled_from([(0, 1), (-1, 300), (0, 0.3), (-1e6, 1e6)]))
    stated["outside"] = draw(st.sampled_from(["error", "unknown"]))
    if draw(st.booleans()):
        codes = draw(
            st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0, 10.0, 20.0, 255.0, 0.1, 0.3]), min_size=1, unique=True)
        )
        stated["classes"] = {str(c): draw(st.sampled_from([0.0, 0.5, 1.0, 2.0, 250.0])) for c in codes}
        stated["unlisted"] = draw(st.sampled_from(["error", "unknown"]))
    decoder = Decoder(
        LayerEntry.model_validate(stated),
        kind,
        dtype,
        draw(maybe(st.sampled_from([-9999.0, 0.0, 255.0, 1.0, 0.1, math.nan, math.inf, 300.0, -1.0]))),
        draw(st.sampled_from([1.0, 0.1, 0.01, -2.0, 1e300])),
        draw(st.sampled_from([0.0, -10.0, 0.05])),
    )
    shape = (draw(st.integers(1, 5)), draw(st.integers(1, 7)))
    raw = draw(arrays(dtype, shape, elements=numbers(dtype)))
    return decoder, raw, draw(maybe(arrays(bool, shape)))


UNITS = {
    "droogte": ("%", "fraction"),
    "keileemdiepte": ("m", "cm"),
    "kwel": ("mm/d", "m/d"),
    "ghg": ("m", "cm"),
    "beekdal": ("0/1", "-"),
    "grondwaterbescherming": ("-", "class"),
}


@settings(max_examples=500, deadline=None)
@given(cases())
def test_the_compiled_pass_gives_what_the_arrays_give(case):
    decoder, raw, valid = case
    if not decoder.exact:
        return
    values, want = decoder(raw, valid)
    with np.errstate(over="ignore"):
        want_values = values.astype(np.float32) + np.float32(0)
    out = np.full((raw.shape[0] + 3, raw.shape[1] + 2), 7, np.float32)
    found = decoder.into(raw, valid, out, (2, 1))
    inner = out[2:-1, 1:-1]
    np.testing.assert_array_equal(inner, want_values)
    assert not np.signbit(inner[~np.isnan(inner) & (inner == 0)]).any(), "no -0.0"
    out[2:-1, 1:-1] = 7
    assert (out == 7).all(), "only its own cells"
    assert (found.cells, found.known, found.absent) == (want.cells, want.known, want.absent)
    assert found.outside == want.outside
    assert sum(found.unlisted.values()) == sum(want.unlisted.values())
    assert decoder.loud(found) == bool(decoder.complain(want, ""))


@pytest.mark.parametrize("stated", [-3.4028e38, -3.4e38, 1.1e30])
def test_nodata_that_text_files_cut_short_is_left_to_the_arrays(stated):
    decoder = Decoder(LayerEntry(path="a.tif", unit="%"), layer_kinds()["droogte"], "float32", stated)
    assert not decoder.exact
    values, _ = decoder(np.array([[stated * (1 + 1e-7), 5.0]], np.float32))
    np.testing.assert_array_equal(values, [[np.nan, 5.0]])


def test_a_closed_form_by_hand():
    """int16 centimetres with scale 0.5: nodata and absent are raw, then x 0.5 / 100."""
    entry = LayerEntry(path="a.tif", unit="cm", absent=9999, outside="unknown")
    decoder = Decoder(entry, layer_kinds()["keileemdiepte"], "int16", -9999.0, 0.5)
    raw = np.array([[100, -9999, 9999, 250, -400]], np.int16)
    out = np.empty((1, 5), np.float32)
    found = decoder.into(raw, None, out, (0, 0))
    np.testing.assert_array_equal(out, np.array([[0.5, np.nan, np.inf, 1.25, np.nan]], np.float32))
    assert (found.known, found.absent, found.outside) == (2, 1, 1), "a depth of -2 m is out of range"
