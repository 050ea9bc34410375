"""Maps: what stands on them, and that no input breaks them. No image is compared with another."""

import sys

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr

import waterbodem as wb
from waterbodem.core.errors import ArgumentError
from waterbodem.core.grid import Grid
from waterbodem.definitions.labels import unknown_class
from waterbodem.views.figures import sheet
from waterbodem.views.figures.maps import plot_assessment, plot_layers
from waterbodem.views.figures.sheet import figure_png, striped, thin, thinning

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def answer():
    return wb.assess(wb.example(), ["woningbouw", "natte_natuur"], wb.example_plans())


def words(figure):
    """Return every text of a figure, legends included."""
    found = [t.get_text() for t in figure.texts]
    for ax in figure.axes:
        found += [child.get_xlabel() for child in ax.child_axes]
        found += [ax.get_title("left"), ax.get_xlabel(), *(t.get_text() for t in ax.texts)]
        found += [t.get_text() for t in ax.get_legend().get_texts()] if ax.get_legend() else []
    return found


def test_a_row_of_four_maps_per_functie(answer):
    figure = plot_assessment(answer)
    titles = [ax.get_title("left") for ax in figure.axes if ax.get_title("left")]
    assert titles == ["Geschiktheid", "Antwoord", "Afwentelingsrisico", "Wat de score het meest drukt"] * 2
    assert len(plot_assessment(answer, "woningbouw").axes) == len(figure.axes) / 2


def test_the_heading_states_answer_and_score_of_every_polygon(answer):
    text = " ".join(words(plot_assessment(answer, "woningbouw")))
    for row in answer.table[answer.table.functie == "woningbouw"].itertuples():
        assert row.gebied in text and f"), {row.score:.2f}".replace(".", ",") in text
        assert f"({row.antwoord}" in text or row.gebied == "Plan Veenrand"
        assert f"{row.antwoord_hoog} tot {row.antwoord_laag})" in text or row.antwoord_hoog == row.antwoord_laag


def test_legends_are_dutch_and_whole(answer):
    text = words(plot_assessment(answer, "woningbouw"))
    expected = {
        "A ja",
        "D nee, tenzij",
        "X onbekend (te weinig gegevens)",
        "laag (vanaf 0)",
        "GHG",
        "RD x (km)",
        "500 m",
    }
    assert expected <= set(text)


def test_fiction_is_marked_and_real_data_is_not(answer):
    assert any("Voorbeeldgebied (verzonnen)" in t for t in words(plot_assessment(answer)))
    layers = wb.example(size=30, resolution=60)
    layers.attrs.clear()
    for name in layers.data_vars:
        layers[name].attrs.clear()
    assert not any("verzonnen" in t for t in words(plot_layers(layers)))


def test_cells_outside_the_polygons_are_blank(answer):
    image = plot_assessment(answer, "woningbouw").axes[2].get_images()[0].get_array()
    outside = answer.cells.klasse.sel(functie="woningbouw").values == 255
    assert (image[outside][:, 3] == 0).all() and (image[~outside][:, 3] == 255).all()


def test_palettes_differ_and_others_are_refused(answer):
    national, safe = (
        plot_assessment(answer, "woningbouw", kleuren=k).axes[2].get_images()[0].get_array()
        for k in ("landelijk", "kleurenblind")
    )
    assert not np.array_equal(national, safe)
    with pytest.raises(ArgumentError, match="kleurenblind"):
        plot_assessment(answer, kleuren="bont")


def test_a_functie_that_was_not_asked_is_refused(answer):
    for wrong in ("akkerbouw", []):
        with pytest.raises(ArgumentError, match="woningbouw"):
            plot_assessment(answer, wrong)


def test_no_pyplot_and_the_same_bytes_twice(answer):
    one, two = (figure_png(plot_assessment(answer, "woningbouw"), 40) for _ in range(2))
    assert one == two and one.startswith(PNG)
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_layers_show_their_unit_and_what_is_unknown():
    text = words(plot_layers(wb.example()))
    assert any(t.startswith("mm/d;") for t in text)
    assert {"Kwel", "GHG", "Beekdal", "onbekend", "afwezig", "0 buiten"} <= set(text)


def test_layers_that_are_not_there_are_refused():
    with pytest.raises(ArgumentError, match="kwel"):
        plot_layers(wb.example(size=4, resolution=50), ["kwell"])
    with pytest.raises(ArgumentError, match="no layer"):
        plot_layers(xr.Dataset({"iets": (("y", "x"), np.zeros((2, 2)))}))


def test_huge_grids_are_thinned_and_say_so(monkeypatch):
    monkeypatch.setattr(sheet, "MAX_SIDE", 20)
    layers = wb.example(size=50, resolution=40)
    figure = plot_layers(layers, ["maaiveld"])
    assert any("1 op de 3 cellen" in t for t in words(figure))
    assert figure.axes[0].get_images()[0].get_array().shape[:2] == (17, 17)


def test_thinning_takes_existing_cells():
    values = np.arange(100).reshape(10, 10)
    assert thin(values, 3).tolist() == values[1::3, 1::3].tolist()
    assert thinning(Grid(0, 0, 1, 1, 1500, 10)) == 1 and thinning(Grid(0, 0, 1, 1, 1501, 10)) == 2


def test_unknown_is_striped_where_it_is_and_nowhere_else():
    mask = np.zeros((4, 4), bool)
    mask[:2] = True
    image = striped(np.zeros((4, 4, 4), np.uint8), mask)
    half = image.shape[0] // 2
    assert (image[:half, :, 3] == 255).all() and not image[half:].any()
    assert {tuple(c) for c in image[:half].reshape(-1, 4)[:, :3]} >= {unknown_class().kleur}


HOSTILE = ["$\\frac{1}{0}$", "<script>alert(1)</script>", "a" * 5000, "مخطط السكن", "\x00\n\t", "plan \u202e nalp"]


@pytest.mark.filterwarnings("ignore:Glyph")
def test_hostile_names_are_drawn_as_text():
    plans = gpd.GeoDataFrame({"naam": HOSTILE[:4]}, geometry=wb.example_plans().geometry)
    figure = plot_assessment(wb.assess(wb.example(), "woningbouw", plans))
    assert figure_png(figure, 40).startswith(PNG)
    assert "<script>alert(1)</scr…" in words(figure)


def by_hand(shape, **values):
    base = {"zettingsgevoeligheid": 0.01, "wateroverlast": 0.0, "droogte": 5.0, "keileemdiepte": 3.0, "kwel": -1.0}
    return xr.Dataset({n: (("y", "x"), np.full(shape, v, np.float32)) for n, v in {**base, **values}.items()})


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 2)])
def test_small_areas_without_coordinates_or_crs(shape):
    layers = by_hand(shape)
    answer = wb.assess(layers, "woningbouw", shapely.box(0, -shape[0], shape[1], 0))
    assert figure_png(plot_assessment(answer), 30).startswith(PNG)
    assert figure_png(plot_layers(layers), 30).startswith(PNG)


def test_an_area_of_unknown_cells_is_all_stripes():
    nothing = dict.fromkeys(("zettingsgevoeligheid", "wateroverlast", "droogte", "keileemdiepte", "kwel"), np.nan)
    answer = wb.assess(by_hand((6, 6), **nothing), "woningbouw", shapely.box(0, -6, 6, 0))
    figure = plot_assessment(answer)
    assert "onbekend" in words(figure) and figure_png(figure, 30).startswith(PNG)


def test_a_notebook_shows_a_plot_as_a_picture():
    layers = wb.example(size=60)
    figure = plot_layers(layers, ["kwel"])
    assert figure._repr_png_().startswith(b"\x89PNG")
