"""The names, types and shapes that notebooks, scripts and other tools rely on."""

from __future__ import annotations

import ast
import gc
import importlib
import inspect
import math
import pkgutil
import re
import shutil
import subprocess
import sys
import tomllib
import warnings
from itertools import pairwise
from pathlib import Path
from types import FunctionType

import geopandas as gpd
import numpy as np
import pytest
import xarray as xr
from numba.core.dispatcher import Dispatcher
from numba.core.errors import TypingError
from numba.core.event import Listener, install_listener
from packaging.requirements import Requirement

import waterbodem as wb
from tests.support.grids import LEFT, RD, TOP, box, even, layers
from tests.support.random_cells import BASIC, FUNCTIES
from tests.support.twins.components import COMPONENTS
from waterbodem import kernels
from waterbodem.core import version
from waterbodem.definitions import legends, registry
from waterbodem.definitions.registry import layer_kinds
from waterbodem.definitions.units import dimension
from waterbodem.formats import output_names
from waterbodem.kernels._compile import decorators, insides

PACKAGE = Path(wb.__file__).parent
PUBLIC = ("example", "open_layers", "functies", "geschiktheid", "afwenteling", "waarom", "assess", "per_gebied")
SCORES = {"geschiktheid": "float32", "klasse": "uint8", "bepalend": "uint8", "dekking": "float32", "vlaggen": "uint16"}
BESIDE = ("stijging", "co2", "risico_zonder_compensatie")
BURDEN = {
    **dict.fromkeys((*COMPONENTS, "ruimte", "tijd", "geld", "risico"), "float32"),
    "oorzaak": "uint8",
    **dict.fromkeys(BESIDE, "float32"),
}
FIRST = (
    *("legal_values.count_illegal", "scoring.score_from", "scoring.score_from", "burden.shift_from"),
    *("quantities.fill_quantities", "quantities.flag_bits", "quantities.lower_by_curve"),
    *("zonal.find_runs", "zonal.add_row", "zonal.add_codes", "zonal.add_by_code"),
    *("varying.move_plans", "varying.sort_cells", "varying.take_cells", "varying.vary_cells"),
    *("zonal.fill_bins", "zonal.count_bins", "zonal.find_quantiles"),
)
HEAVY = ("numba", "xarray", "pandas", "geopandas", "rasterio", "matplotlib", "shapely", "pyproj", "pydantic")


def dtypes(data):
    return {str(n): str(a.dtype) for n, a in data.data_vars.items()}


@pytest.fixture(scope="module")
def area():
    """A small area with good and bad, known and unknown cells."""
    data = even(6, 8, ghg=0.9)
    data.wateroverlast.values[:, 4:] = 0.4
    data.kwel.values[3:, :] = np.nan
    data.droogte.values[5, :] = np.nan
    data.zettingsgevoeligheid.values[5, 6:] = np.nan
    return data


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PUBLIC)
def test_public_functions_are_there_and_documented(name):
    function = getattr(wb, name)
    assert callable(function) and function.__doc__
    assert name in dir(wb) and name in wb.__all__


def test_every_public_name_resolves():
    assert all(getattr(wb, name) is not None for name in wb.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        wb.nonsense  # noqa: B018


def test_settings_that_are_data_have_a_public_door(tmp_path):
    well = wb.Put(1_000_000, 265, 2500)
    table = tmp_path / "reikwijdte.toml"
    table.write_bytes((PACKAGE / "data/reikwijdte.toml").read_bytes())
    rules = wb.kompas_regels(PACKAGE / "data/kompas.toml")
    data, plan = even(ghg=0.9), box(0, 0, 2, 2)
    asked = {"kompas": rules, "reikwijdte": wb.reikwijdte(table), "onttrekking": well}
    answer = wb.assess(data, "woningbouw", plan, **asked)
    assert answer.question.settings.rules == rules and answer.question.settings.well == well
    assert answer.question.settings.reach == wb.reikwijdte(str(table)) != wb.reikwijdte(100)
    for wrong, word in ((0, "> 0 m"), (math.nan, "> 0 m"), (tmp_path / "weg.toml", "weg.toml")):
        with pytest.raises(wb.WaterbodemError, match=word):
            wb.reikwijdte(wrong)


def test_the_page_of_the_api_tells_of_every_public_name():
    page = (PACKAGE.parent / "docs/paginas/ontwikkelaars/api.md").read_text("utf-8")
    for name in set(wb.__all__) - {"__version__"}:
        assert f"{getattr(wb, name).__module__}.{getattr(wb, name).__qualname__}\n" in page, name


def test_no_module_has_the_name_of_a_public_function():
    modules = {m.name for m in pkgutil.iter_modules(wb.__path__)}
    assert not modules & ({*PUBLIC, "run"} | set(wb.__all__))


def test_every_error_has_one_base_class():
    from waterbodem.core import errors

    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, Exception)]
    assert all(issubclass(c, wb.WaterbodemError | UserWarning) for c in classes)


# --- what it needs ---------------------------------------------------------------------------------------------------


def test_whatever_is_needed_has_a_lowest_version_which_the_tests_can_try():
    about = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    extras = {n: list(map(Requirement, asked)) for n, asked in about["optional-dependencies"].items()}
    needed = [*map(Requirement, about["dependencies"]), *(r for asked in extras.values() for r in asked)]
    own = [r for r in needed if r.name == about["name"]]
    assert [str(r) for r in needed if r not in own and ">=" not in {s.operator for s in r.specifier}] == []
    assert set().union(*(r.extras for r in own)) == {*extras} - {"dev"}, "dev is all of them"


def loaded(code):
    """The modules in memory after running code in a new interpreter."""
    text = f"{code}\nimport sys\nprint(*sorted({{m.partition('.')[0] for m in sys.modules}}))"
    return set(subprocess.run([sys.executable, "-c", text], check=True, capture_output=True, text=True).stdout.split())


def test_import_is_light():
    assert not loaded("import waterbodem; waterbodem.__version__; dir(waterbodem)") & {*HEAVY, "numpy"}


def test_scoring_loads_no_geography():
    code = "import numpy as np, xarray as xr, waterbodem as wb\n"
    code += "d = xr.Dataset({'kwel': (('y', 'x'), np.zeros((2, 2)))})\nwb.geschiktheid(d, 'woningbouw')"
    assert not loaded(code) & {"geopandas", "rasterio", "matplotlib", "shapely"}


def test_a_run_loads_no_tables():
    assert not loaded("import waterbodem.batch.runner") & {"pandas", "geopandas", "pyogrio", "xarray", "matplotlib"}


HALVE = """
import sys, numpy as np
from waterbodem.kernels import pack
out = np.zeros((2, 2), np.uint8)
pack.halve_mean(np.arange(16, dtype=np.uint8).reshape(4, 4), out)
assert out.tolist() == [[3, 5], [11, 13]], out
print(*["translator" for m in sys.modules if m == "numba.np.linalg"])
"""


def test_kernels_that_are_compiled_load_little_of_numba(tmp_path, monkeypatch):
    """Whoever has compiled them once does not wait for all that numba can translate."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    first, second = loaded(HALVE), loaded(HALVE)
    assert "translator" in first
    assert "translator" not in second


def of_kernels(kind):
    """What the modules of kernels define of a kind."""
    modules = [importlib.import_module(m.name) for m in pkgutil.walk_packages(kernels.__path__, f"{kernels.__name__}.")]
    return [f for m in modules for f in vars(m).values() if isinstance(f, kind) and f.__module__ == m.__name__]


def test_what_only_kernels_call_is_compiled_as_a_part_of_them():
    """Else it is compiled by itself too, for callers it does not have."""
    entries = [f.__name__ for f in of_kernels(Dispatcher) if not f.targetoptions.get("no_cpython_wrapper")]
    callers = [p.read_text("utf-8") for p in PACKAGE.rglob("*.py") if not p.is_relative_to(PACKAGE / "kernels")]
    callers += [inspect.getsource(f) for f in of_kernels(FunctionType)]
    assert len(entries) > 20
    assert [n for n in entries if not re.search(rf"(?<!def )\b{n}\b", "".join(callers))] == []


ANSWER = """
import hashlib, waterbodem as wb
answer = wb.assess(wb.example(200), "woningbouw", wb.example_plans())
answer._repr_html_()
print(hashlib.sha256(answer.kompas.to_csv().encode() + answer.cells.geschiktheid.values.tobytes()).hexdigest())
"""


def test_the_first_answer_compiles_few_kernels(tmp_path, monkeypatch):
    """Each one more is waited for by whoever starts, who hears so once."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    first, second = (subprocess.run([sys.executable, "-c", ANSWER], check=True, capture_output=True) for _ in range(2))
    compiled = sorted(path.name.partition("-")[0] for path in tmp_path.rglob("*.nbc"))
    assert compiled == sorted(FIRST)
    assert first.stdout == second.stdout
    assert b"kernels are compiled" in first.stderr and second.stderr == b""


WARM = """
import waterbodem as wb
wb.warm_up()
"""


def test_warming_up_compiles_what_a_first_answer_needs(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    subprocess.run([sys.executable, "-c", WARM], check=True)
    compiled = sorted(path.name.partition("-")[0] for path in tmp_path.rglob("*.nbc"))
    subprocess.run([sys.executable, "-c", ANSWER], check=True, capture_output=True)
    assert compiled == sorted(path.name.partition("-")[0] for path in tmp_path.rglob("*.nbc")) == sorted(FIRST)


class Watch(Listener):
    """Notes whether garbage is collected while something is compiled."""

    def __init__(self):
        self.seen = []

    def on_start(self, event):
        self.seen.append(gc.isenabled())

    def on_end(self, event):
        self.seen.append(gc.isenabled())


def one_more(x):
    return x + 1


def one_less(x):
    return x.less


@pytest.mark.parametrize("collecting", [True, False])
def test_garbage_is_collected_after_compiling_and_not_meanwhile(collecting, tmp_path, monkeypatch):
    """Looking through all that a compiler made, time and again, is a tenth of compiling."""
    monkeypatch.setattr(insides, "_cache_dir", lambda: str(tmp_path))
    before, watch = gc.isenabled(), Watch()
    try:
        (gc.enable if collecting else gc.disable)()
        with install_listener("numba:compile", watch):
            assert decorators.kernel(one_more)(1) == 2
            with pytest.raises(TypingError):
                decorators.kernel(one_less)(1)
        assert watch.seen == [False] * 4 and gc.isenabled() == collecting
    finally:
        (gc.enable if before else gc.disable)()


# --- what names parts and compiled kernels ---------------------------------------------------------------------------


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the package that may be changed, of which the versions are asked."""
    shutil.copytree(PACKAGE, tmp_path / "waterbodem", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(version, "folder_of", lambda name: tmp_path / name.replace(".", "/"))
    return tmp_path / "waterbodem"


def code():
    return version.modules_version("waterbodem", "")


def compiled():
    return Path(insides._cache_dir.__wrapped__()).name


def test_the_root_of_the_package_is_found_from_any_folder():
    assert version.folder_of("waterbodem") == PACKAGE
    assert version.folder_of("waterbodem.kernels") == PACKAGE / "kernels"


def test_touching_any_module_changes_the_version_of_the_code(copied, monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    (copied / "kernels/deep").mkdir()
    (copied / "kernels/deep/deeper.py").write_text("")
    before, kept, seen = code(), compiled(), set()
    for path in sorted(copied.rglob("*.py")):
        text = path.read_bytes()
        path.write_bytes(text + b"#")
        seen.add(code())
        assert (compiled() != kept) == path.is_relative_to(copied / "kernels")
        path.write_bytes(text)
    assert code() == before and compiled() == kept
    assert before not in seen and len(seen) == len(list(copied.rglob("*.py")))


def test_where_a_module_lies_is_part_of_the_version_of_the_code(copied):
    before = code()
    (copied / "room").mkdir()
    (copied / "batch/job.py").rename(copied / "room/job.py")
    assert code() != before


def test_touching_any_text_changes_the_version_of_the_texts(copied):
    texts = version.texts_version.__wrapped__
    before = texts()
    (copied / "views/templates/kaart.js").write_text("")
    assert texts() != before


def test_nobody_imports_through_the_front_door():
    """Else a module that only asks for the version reaches every other one."""
    for name, tree in modules().items():
        plain = [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
        named = [a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module == "waterbodem"
                 for a in n.names]  # fmt: skip
        assert "waterbodem" not in plain, name
        assert all((PACKAGE / f"{n}.py").is_file() or (PACKAGE / n).is_dir() for n in named), name


# --- one place for what is known once ---------------------------------------------------------------------------------


def modules():
    """Every module of the package, with its tree; templates and data are none."""
    return {str(p.relative_to(PACKAGE)): ast.parse(p.read_text("utf-8")) for p in sorted(PACKAGE.rglob("*.py"))}


def _texts(tree):
    """Texts that stand in code."""
    return [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def numbers_written(tree):
    """Lines that turn points into commas, or put a sign of per cent behind a number."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            given = {a.value for a in node.args if isinstance(a, ast.Constant)}
            if node.func.attr == "replace" and {".", ","} <= given:
                yield node.lineno
            if node.func.attr == "maketrans" and {".", ","} <= set("".join(_texts(node))):
                yield node.lineno
        if isinstance(node, ast.JoinedStr):
            after = [
                str(b.value)
                for a, b in pairwise(node.values)
                if isinstance(a, ast.FormattedValue) and isinstance(b, ast.Constant)
            ]
            yield from (node.lineno for text in after if re.match("[ \u00a0]?%", text))


def test_numbers_are_written_in_one_place():
    """Else a trace is nothing on one view and not on another; a legend names the whole per cents of a map itself."""
    found = {name for name, tree in modules().items() if any(numbers_written(tree))}
    assert found == {"definitions/notation.py", "definitions/labels.py", "definitions/legends.py"}


def test_names_of_layers_are_taken_apart_in_one_place():
    apart = [name for name, tree in modules().items() if re.search(r"partition\(('@'|AT)\)", ast.unparse(tree))]
    assert apart == ["definitions/layer_name.py"]


def names_of_output(tree):
    """Text in a module that is the name of a file, or a list, of what is written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and output_names.WRITTEN.fullmatch(str(node.value)):
            yield node.value
        if isinstance(node, ast.Tuple) and all(isinstance(e, ast.Constant) for e in node.elts):
            named = tuple(e.value for e in node.elts)
            yield from [named] if named in (output_names.MAPS, output_names.SHARES, output_names.RECEPTION) else []


def test_names_of_output_stand_in_one_place():
    found = {name: list(names_of_output(tree)) for name, tree in modules().items()}
    assert set(found.pop("formats/output_names.py")) >= {"rapport.html", "herkomst.json", output_names.RECEPTION}
    assert {name: names for name, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "name",
    ["gebieden.csv", "gebieden.gpkg", "grootboek.csv", "stroompaden.gpkg", "rapport.html", "herkomst.json",
     "waterbodem.qgs", "blootstelling_onbekend.tif", "blootstelling_onbekend@2050.qml"],
)  # fmt: skip
def test_what_is_written_is_known_by_name(name):
    assert output_names.WRITTEN.fullmatch(name)
    assert not output_names.WRITTEN.fullmatch(f"mijn_{name}") and not output_names.WRITTEN.fullmatch(f"{name}.bak")


def test_the_grids_of_one_functie_are_chosen_in_one_place(area):
    asked = [
        name for name, tree in modules().items() if re.search(r"if 'functie' in [\w.]*\.dims else", ast.unparse(tree))
    ]
    assert asked == ["core/dataset.py"]
    names = ["woningbouw", "natte_natuur"]
    many = wb.assess(area, names, box(0, 0, 3, 3))
    for name in names:
        one = wb.assess(area, name, box(0, 0, 3, 3))
        assert one.of(name).identical(one.cells) and many.of(FUNCTIES[name]).identical(many.of(name))
        assert many.of(name).klasse.values.tobytes() == one.cells.klasse.values.tobytes()


def files_without(kind, schemas):
    """The files that should know a layer and do not, beside lagen.toml."""
    template = tomllib.loads((PACKAGE / "data/teksten/lagen_sjabloon.toml").read_text("utf-8"))
    knows = {
        "data/eenheden.toml": dimension(kind.unit) is not None,
        "data/kleuren.toml [bepalend]": kind.id
        in tomllib.loads((PACKAGE / "data/kleuren.toml").read_text())["bepalend"],
        "data/teksten/lagen_sjabloon.toml [tekens]": set(kind.teken) <= set(template["tekens"]),
        **{f"docs/schema/{path.name}": re.search(rf"\b{kind.id}\b", path.read_text("utf-8")) for path in schemas},
    }
    return [name for name, known in knows.items() if not known]


def test_a_layer_is_in_every_file_that_must_know_it():
    """What this names, `Add a layer` in CONTRIBUTING names too."""
    schemas = [PACKAGE.parent / "docs/schema" / name for name in ("functie.schema.json", "lagen.schema.json")]
    assert {kind.id: files_without(kind, schemas) for kind in layer_kinds().values()} == {
        id_: [] for id_ in layer_kinds()
    }
    new = layer_kinds()["kwel"].model_copy(update={"id": "zuurgraad", "unit": "pH", "teken": {"zuur": 1}})
    guide = (PACKAGE.parent / "CONTRIBUTING.md").read_text("utf-8")
    steps = guide.partition("## Add a layer")[2].partition("\n## ")[0]
    forgotten = files_without(new, schemas)
    assert len(forgotten) == 5
    assert [name for name in forgotten if Path(name.partition(" ")[0]).name not in steps] == []


def test_a_layer_without_a_colour_is_an_error_that_names_the_file(monkeypatch):
    kinds = {**layer_kinds(), "zuurgraad": layer_kinds()["kwel"]}
    monkeypatch.setattr(registry, "layer_kinds", lambda: kinds)
    legends.layer_colours.cache_clear()
    try:
        with pytest.raises(wb.WaterbodemError, match=r"zuurgraad.*kleuren\.toml \[bepalend\]|kleuren.*zuurgraad"):
            legends.legend("bepalend", ["kwel", "zuurgraad"])
    finally:
        legends.layer_colours.cache_clear()


# --- geschiktheid and afwenteling ------------------------------------------------------------------------------------


def test_geschiktheid_gives_its_variables(area):
    k = wb.geschiktheid(area, "woningbouw")
    assert dtypes(k) == SCORES
    assert all(a.dims == ("y", "x") and a.shape == (6, 8) for a in k.data_vars.values())
    assert k.attrs["functie"] == "woningbouw" and k.attrs["methode"] == "meetkundig"
    assert k.attrs["criteria"] == [*BASIC, "ghg"]
    assert any("definit" in key for key in k.attrs)
    assert all(a.attrs["long_name"] for a in k.data_vars.values())


def test_interval_adds_two_variables(area):
    k = wb.geschiktheid(area, "woningbouw", interval=True)
    assert dtypes(k) == {**SCORES, "score_min": "float32", "score_max": "float32"}


def test_afwenteling_gives_its_variables_with_units(area):
    a = wb.afwenteling(area, "woningbouw")
    assert dtypes(a) == BURDEN
    assert list(a.data_vars) == list(BURDEN)
    units = ("m3/ha", "m3/ha", "m", "mm/jr", "mm/jr", "mm/jr", "m", "mm/jr", "1", "EUR/ha/jr")
    assert tuple(a[n].attrs["units"] for n in COMPONENTS) == units
    assert [a[n].attrs["units"] for n in BESIDE] == ["m", "t/ha/jr", "1"]
    assert all(v.attrs["units"] and v.attrs["long_name"] for v in a.data_vars.values())


@pytest.mark.parametrize("function", [wb.geschiktheid, wb.afwenteling])
def test_a_list_gives_a_leading_dimension(area, function):
    names = ["natte_natuur", "woningbouw"]
    many = function(area, names)
    assert many.functie.values.tolist() == names
    for name in many.data_vars:
        assert many[name].dims == ("functie", "y", "x")
        for f in names:
            one = function(area, f)[name]
            assert many[name].sel(functie=f).values.tobytes() == one.values.tobytes()
            assert many[name].dtype == one.dtype


def test_a_list_of_one_still_has_the_dimension(area):
    assert wb.geschiktheid(area, ["woningbouw"]).klasse.dims == ("functie", "y", "x")


@pytest.mark.parametrize("function", [wb.geschiktheid, wb.afwenteling])
@pytest.mark.parametrize("asked", [[], ["woningbouw", "woningbouw"], 7, [3], "Woningbouw"])
def test_a_functie_that_is_none_is_an_error(area, function, asked):
    with pytest.raises(wb.WaterbodemError):
        function(area, asked)


def test_a_functie_may_be_given_as_itself(area):
    own = FUNCTIES["woningbouw"].replace(verhardingsgraad=0.9)
    assert wb.afwenteling(area, own).afvoer.values.max() >= wb.afwenteling(area, "woningbouw").afvoer.values.max()


def test_results_keep_the_coordinates_and_carry_a_cf_reference(area):
    for found in (wb.geschiktheid(area, "woningbouw"), wb.afwenteling(area, "woningbouw")):
        np.testing.assert_array_equal(found.x, area.x)
        np.testing.assert_array_equal(found.y, area.y)
        assert "28992" in found.spatial_ref.attrs["crs_wkt"] or "Amersfoort" in found.spatial_ref.attrs["crs_wkt"]
        assert all(a.attrs["grid_mapping"] == "spatial_ref" for a in found.data_vars.values())


def test_rio_reads_the_crs_and_place(area):
    pytest.importorskip("rioxarray")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        k = wb.geschiktheid(area, "woningbouw")
        assert k.klasse.rio.crs.to_epsg() == 28992
        assert k.rio.bounds() == (LEFT, TOP - 60, LEFT + 80, TOP)


def test_flags_and_classes_say_what_they_mean(area):
    k = wb.geschiktheid(area, "woningbouw")
    assert dict(zip(k.klasse.attrs["flag_values"].tolist(), k.klasse.attrs["flag_meanings"].split(), strict=True)) == {
        1: "A", 2: "B", 3: "C1", 4: "C2", 5: "D", 0: "X",
    }  # fmt: skip
    assert k.bepalend.attrs["flag_meanings"].split() == k.attrs["criteria"]
    assert len(k.vlaggen.attrs["flag_masks"]) == len(k.vlaggen.attrs["flag_meanings"].split()) == 9
    a = wb.afwenteling(area, "woningbouw").oorzaak.attrs
    assert a["flag_meanings"].split() == ["geen", *COMPONENTS]


# --- what may come in ------------------------------------------------------------------------------------------------


def test_a_dataset_made_by_hand_without_coordinates_or_crs_works():
    bare = xr.Dataset({n: (("y", "x"), np.zeros((2, 3), int)) for n in BASIC})
    assert wb.geschiktheid(bare, "woningbouw").klasse.shape == (2, 3)
    assert wb.afwenteling(bare, "woningbouw").risico.shape == (2, 3)


def test_coordinates_without_a_crs_serve_for_areas():
    t = wb.per_gebied(even(crs=None), "woningbouw", box(0, 0, 2, 2))
    assert t.oppervlakte_ha.item() == pytest.approx(0.04)
    assert t.crs is None


def test_other_variables_are_ignored(area):
    more = area.assign(
        luchtfoto=(("band", "y", "x"), np.zeros((3, 6, 8))), naam="test", tekst=(("y", "x"), np.full((6, 8), "a"))
    )
    got, want = wb.geschiktheid(more, "woningbouw"), wb.geschiktheid(area, "woningbouw")
    assert dtypes(got) == dtypes(want)
    assert all(got[n].values.tobytes() == want[n].values.tobytes() for n in want.data_vars)
    assert wb.assess(more, "woningbouw", box(0, 0, 2, 2)).table.antwoord.item() == "A"


@pytest.mark.parametrize("function", [wb.geschiktheid, wb.afwenteling])
def test_y_that_ascends_is_an_error(area, function):
    with pytest.raises(wb.WaterbodemError, match="y"):
        function(area.isel(y=slice(None, None, -1)), "woningbouw")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.isel(x=slice(None, None, -1)),
        lambda d: d.isel(x=[0, 1, 3]),
        lambda d: d.assign_coords(x=d.x.values * np.nan),
        lambda d: d.expand_dims(time=2),
        lambda d: d.rename(x="lon"),
        lambda d: d[["kwel"]].rename(kwel="kwell"),
        lambda d: d.kwel,
        lambda d: None,
        lambda d: d.assign(kwel=(("y", "x"), np.full((6, 8), "nat"))),
        lambda d: d.assign(kwel=(("y", "x"), np.zeros((6, 8), complex))),
    ],
)
@pytest.mark.filterwarnings("ignore::waterbodem.core.errors.LayerIgnored")
def test_what_is_no_set_of_layers_is_an_error_of_this_library(area, spoil):
    with pytest.raises(wb.WaterbodemError):
        wb.geschiktheid(spoil(area), "woningbouw")


@pytest.mark.parametrize(
    "wrong",
    [{"methode": "mediaan"}, {"methode": "owa"}, {"methode": "owa", "orness": 0.0}, {"methode": "owa", "orness": 1.0},
     {"methode": "owa", "orness": math.nan}, {"orness": 0.5}],
)  # fmt: skip
def test_a_wrong_method_is_an_error(area, wrong):
    with pytest.raises(wb.WaterbodemError):
        wb.geschiktheid(area, "woningbouw", **wrong)


@pytest.mark.parametrize(
    "wrong",
    [{"aangelegde_berging_mm": -1.0}, {"aangelegde_berging_mm": math.nan}, {"bergingseis_mm": math.inf},
     {"bergingseis_mm": -5.0}, {"referentie": "bos"}, {"referentie": 7}],
)  # fmt: skip
def test_a_wrong_argument_of_afwenteling_is_an_error(area, wrong):
    with pytest.raises(wb.WaterbodemError):
        wb.afwenteling(area, "woningbouw", **wrong)


def test_a_reference_raster_on_another_grid_is_an_error(area):
    codes = xr.full_like(area.kwel, 7.0)
    for other in (
        codes.isel(x=slice(1, None)),
        codes.assign_coords(x=codes.x + 5),
        codes.isel(y=slice(None, None, -1)),
    ):
        with pytest.raises(wb.WaterbodemError):
            wb.afwenteling(area, "woningbouw", other)


def test_a_scenario_of_a_layer_that_is_not_there_is_ignored_with_a_warning(area):
    more = area.assign({"gvg@2050": area.kwel, "wateroverlast@2050": area.wateroverlast})
    with pytest.warns(UserWarning, match="gvg@2050"):
        a = wb.afwenteling(more, "woningbouw")
    assert (np.nan_to_num(a.achteruitgang.values) == 0).all()


# --- assess ----------------------------------------------------------------------------------------------------------

PLAN = box(1.5, 0.5, 3.5, 2.2)


@pytest.fixture(scope="module")
def answer(area):
    return wb.assess(area, "woningbouw", PLAN)


def test_cells_are_the_smallest_block_that_covers_the_polygon(area, answer):
    assert dict(answer.cells.sizes) == {"y": 3, "x": 3}
    np.testing.assert_array_equal(answer.cells.x, area.x[1:4])
    np.testing.assert_array_equal(answer.cells.y, area.y[0:3])
    assert dtypes(answer.cells) == {**SCORES, **BURDEN}


def test_the_block_is_clipped_to_the_data(area):
    assert dict(wb.assess(area, "woningbouw", box(-5, 4.5, 1.5, 99)).cells.sizes) == {"y": 2, "x": 2}


def test_a_polygon_on_grid_lines_takes_no_more_cells(area):
    assert dict(wb.assess(area, "woningbouw", box(2, 1, 4, 3)).cells.sizes) == {"y": 2, "x": 2}


def test_cells_inside_hold_what_geschiktheid_and_afwenteling_give(area, answer):
    want = xr.merge(
        [wb.geschiktheid(area, "woningbouw"), wb.afwenteling(area, "woningbouw")],
        compat="override",
        combine_attrs="drop",
    )
    for name in answer.cells.data_vars:
        np.testing.assert_array_equal(answer.cells[name], want[name][0:3, 1:4], err_msg=str(name))


def test_cells_outside_hold_no_answer(area):
    corners = gpd.GeoSeries([box(0, 0, 1, 1), box(3.9, 3.9, 4, 4)])
    cells = wb.assess(area, "woningbouw", corners).cells
    inside = np.zeros((4, 4), bool)
    inside[0, 0] = inside[3, 3] = True
    for name, array in cells.data_vars.items():
        blank = {"klasse": 255, "bepalend": 255, "oorzaak": 255, "vlaggen": 0}.get(str(name), np.nan)
        np.testing.assert_array_equal(array.values[~inside], np.full(14, blank), err_msg=str(name))
    assert (cells.klasse.values[inside] != 255).all()


def test_a_sliver_of_coverage_is_inside(area):
    cells = wb.assess(area, "woningbouw", box(0, 0, 1.001, 1)).cells
    assert (cells.klasse.values != 255).all() and cells.sizes["x"] == 2


COLUMNS = [
    "nr", "gebied", "functie", "antwoord", "score", "score_p10", "score_p50", "score_p90", "oppervlakte_ha",
    "beoordeeld_ha", "onbekend_ha", "buiten_ha", "ha_A", "ha_B", "ha_C1", "ha_C2", "ha_D", "aandeel_A", "aandeel_B",
    "aandeel_C1", "aandeel_C2", "aandeel_D", "dekking", "antwoord_min", "antwoord_max",
    "antwoord_laag", "antwoord_hoog", "beslist", "bepalend", "risico",
    "risico_zonder_compensatie", "aandeel_risico_hoog", "oorzaak", "afvoer_m3", "verdrongen_berging_m3",
    "aanvullingsverlies_m3_jr", "co2_t_jr", "basisafvoer_l_s", "stijging_m", "referentie_onaannemelijk_ha",
    "weinig_steun", "referentie", "referentie_bron", "waterschap", "gevraagd_m3", "gevraagd_aandeel", "niet_getoetst",
    "scenario", "kompas_niet_afwentelen", "kompas_vertragen", "kompas_extremen", "kompas_aanpasbaar", "kompas_herstel",
    "kompas_bodem", "vrijgekomen_m3", "aandeel_in_gegevens", "aandeel_buiten_gegevens", "grootste_ontvanger",
    "aandeel_grootste_ontvanger", "verlaging_ontvangers_m", "geometry",
]  # fmt: skip


def test_the_table_has_the_columns_of_the_contract(answer):
    losses = [f"verlies_{n}" for n in (*BASIC, "ghg", "drempel")]
    place = COLUMNS.index("bepalend")
    assert list(answer.table.columns) == [*COLUMNS[:place], *losses, *COLUMNS[place:]]
    assert isinstance(answer.table, gpd.GeoDataFrame)
    assert answer.table.crs.to_epsg() == 28992


def test_the_table_of_several_functies_has_the_losses_of_all_in_one_place(area):
    t = wb.per_gebied(area, ["woningbouw", "natte_natuur"], gpd.GeoSeries([PLAN, box(0, 0, 1, 1)]))
    assert t.functie.tolist() == ["woningbouw", "natte_natuur"] * 2
    assert t.nr.tolist() == [1, 1, 2, 2]
    losses = [c for c in t.columns if c.startswith("verlies_")]
    assert set(losses) == {f"verlies_{n}" for n in (*BASIC, "ghg", "drempel", "keileemdiepte+kwel")}
    place = list(t.columns).index(losses[0])
    assert list(t.columns)[place : place + len(losses)] == losses
    assert t.verlies_ghg.isna().tolist() == [False, True] * 2


def test_per_gebied_is_the_table_alone(area, answer):
    t = wb.per_gebied(area, "woningbouw", PLAN)
    assert t.drop(columns="geometry").equals(answer.table.drop(columns="geometry"))


def test_kompas_repeats_the_symbols_of_the_table(answer):
    columns = [c for c in answer.table.columns if c.startswith("kompas_")]
    assert answer.kompas.symbool.tolist() == answer.table[columns].iloc[0].tolist()


def test_totals_of_nothing_known_are_empty(area):
    nothing = area.copy(deep=True)
    for name in nothing.data_vars:
        nothing[name].values[:] = np.nan
    row = wb.per_gebied(nothing, "woningbouw", PLAN).iloc[0]
    assert row.antwoord == "X" and row.dekking == 0
    assert all(np.isnan(row[c]) for c in ("score", "afvoer_m3", "verdrongen_berging_m3", "risico", "aandeel_A"))
    assert (row.bepalend, row.oorzaak) == ("", "")
    assert (row.antwoord_min, row.antwoord_max) == ("D", "A")


def test_a_reference_raster_may_cover_the_whole_data(area):
    codes = xr.full_like(area.kwel, 6.0)
    by_raster = wb.per_gebied(area, "woningbouw", PLAN, referentie=codes)
    by_name = wb.per_gebied(area, "woningbouw", PLAN, referentie="akkerbouw")
    told = ["referentie", "geometry"]
    assert by_raster.drop(columns=told).equals(by_name.drop(columns=told))
    assert (by_raster.referentie.item(), by_name.referentie.item()) == ("raster", "akkerbouw")


def test_an_assessment_shows_itself(answer):
    assert answer.table.antwoord.item() in repr(answer) or "woningbouw" in repr(answer)
    assert "<" in answer._repr_html_()
    assert all(callable(getattr(answer, name)) for name in ("report", "plot"))


# --- waarom ----------------------------------------------------------------------------------------------------------


def test_waarom_gives_the_keys_of_the_contract(area):
    w = wb.waarom(area, "woningbouw", x=LEFT + 45, y=TOP - 35)
    found = w.to_dict()
    assert {"x", "y", "functie", "score", "klasse", "dekking", "vlaggen", "criteria"} <= set(found)
    want = {"naam", "waarde", "eenheid", "score", "gewicht", "verlies", "bron", "expertoordeel"}
    want |= {"waarde_na_peilopzet", "afgeleid"}
    assert [set(c) for c in found["criteria"]] == [want] * 6
    assert [c["naam"] for c in found["criteria"]] == [*BASIC, "ghg"]
    assert len(found["afwenteling"]) == 10
    assert "woningbouw" in repr(w) and "<table" in w._repr_html_()


def test_waarom_agrees_with_geschiktheid_in_every_cell(area):
    k = wb.geschiktheid(area, "woningbouw")
    for r, c in ((0, 0), (0, 5), (4, 2), (5, 7)):
        w = wb.waarom(area, "woningbouw", x=float(area.x[c]), y=float(area.y[r])).to_dict()
        np.testing.assert_array_equal(w["score"], float(k.geschiktheid[r, c]))
        assert w["dekking"] == float(k.dekking[r, c])
        assert w["klasse"] == ("X", "A", "B", "C1", "C2", "D")[int(k.klasse[r, c])]
        lost = sum(x["verlies"] for x in w["criteria"])
        assert lost == pytest.approx(1 - w["score"], abs=1e-5)
        assert sum(x["gewicht"] for x in w["criteria"]) == pytest.approx(1)


def test_waarom_shows_unknown_absent_and_expertoordeel(area):
    w = wb.waarom(area, "woningbouw", x=LEFT + 5, y=TOP - 35)
    by_name = {c["naam"]: c for c in w.to_dict()["criteria"]}
    assert math.isnan(by_name["kwel"]["waarde"]) and math.isnan(by_name["kwel"]["score"])
    assert by_name["keileemdiepte"]["waarde"] == math.inf and by_name["keileemdiepte"]["score"] == 1
    assert by_name["droogte"]["expertoordeel"] and by_name["kwel"]["bron"]
    assert "onbekend" in repr(w) and "afwezig" in repr(w) and "expertoordeel" in repr(w)


def test_waarom_of_a_group_shows_its_members(area):
    w = wb.waarom(area, "natte_natuur", x=LEFT + 5, y=TOP - 5).to_dict()
    group = next(c for c in w["criteria"] if "+" in c["naam"])
    assert group["naam"] == "keileemdiepte+kwel"
    assert group["waarde"] == {"keileemdiepte": math.inf, "kwel": -1.0}
    assert group["score"] == pytest.approx(0.05 + 0.15 * 2 / 2.25)


def test_waarom_outside_the_data_is_an_error(area):
    for x, y in ((LEFT - 1, TOP - 5), (LEFT + 5, TOP + 1), (math.nan, TOP - 5)):
        with pytest.raises(wb.WaterbodemError):
            wb.waarom(area, "woningbouw", x=x, y=y)


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (9.999, 0), (0, -9.999), (9.999, -9.999)])
def test_waarom_finds_the_cell_that_holds_the_point(dx, dy):
    data = layers({"kwel": np.arange(12.0).reshape(3, 4)})
    w = wb.waarom(data, "woningbouw", x=LEFT + 20 + dx, y=TOP - 10 + dy)
    assert next(c for c in w.to_dict()["criteria"] if c["naam"] == "kwel")["waarde"] == 6


def test_the_waarom_of_an_assessment_equals_the_one_on_the_layers(area, answer):
    place = {"x": LEFT + 25, "y": TOP - 15}
    assert repr(answer.waarom(**place)) == repr(wb.waarom(area, "woningbouw", **place))


def test_the_waarom_of_an_assessment_knows_its_built_storage(area):
    place = {"x": LEFT + 55, "y": TOP - 15}
    b = wb.assess(area, "woningbouw", box(5, 1, 6, 2), aangelegde_berging_mm=100.0)
    want = wb.waarom(area, "woningbouw", **place, aangelegde_berging_mm=100.0)
    assert [s.waarde for s in b.waarom(**place).afwenteling][:2] == [s.waarde for s in want.afwenteling][:2]


def test_crs_of_the_fixtures_is_rd():
    assert even().attrs["crs"] == RD
