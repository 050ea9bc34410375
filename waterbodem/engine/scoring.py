"""Suitability (geschiktheid) of cells: rekenregels sections 2 to 4."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbodem.core import memory
from waterbodem.core.dataset import grid_of
from waterbodem.core.errors import ArgumentError, LayerError, nearest
from waterbodem.core.lazy import xr
from waterbodem.core.spellings import either_spelling
from waterbodem.core.threads import in_blocks
from waterbodem.definitions import registry
from waterbodem.definitions.flags import answer_flags, criterion_flags, threshold_flags
from waterbodem.definitions.models import Criterion, Functie, Threshold
from waterbodem.definitions.settings import Settings
from waterbodem.engine.derived import derived_of, gvg_numbers, with_sources
from waterbodem.engine.layer_set import LayerSet, known_names, layer_set
from waterbodem.engine.lazy import by_block
from waterbodem.engine.rewetting import CAUSES, rewets, rewetting_of
from waterbodem.kernels import combining, curves, levels
from waterbodem.kernels import scoring as kernel
from waterbodem.kernels._compile.records import record_of

METHODS = {
    "meetkundig": combining.GEOMETRIC,
    "gemiddelde": combining.MEAN,
    "minimum": combining.MINIMUM,
    "owa": combining.OWA,
}
#: Consequences of thresholds in the order in which they have a say.
SAY = ("uitsluiten", "nee_tenzij", "aandacht")
Array = NDArray[Any]
#: What the answer of one functie takes, in layers of float32: 24 bytes per cell.
LAYERS_WORTH = 6


@dataclass(frozen=True)
class CriterionShare:
    """A criterion as it takes part here: one layer, or a group of them.

    ``share`` is its weight as a share of the basic weights, ``basic`` the part of that from basic layers.
    """

    name: str
    members: tuple[str, ...]
    weight: float
    share: float
    basic: float


def criterion_shares(functie: Functie, present: Sequence[str]) -> tuple[CriterionShare, ...]:
    """Return the criteria that take part when these layers are in the data, in order."""
    known = {*present, *derived_of(present)}
    taking = [n for n in functie.all_criteria if n in functie.criteria or n in known]
    group_of = {m: g.leden for g in functie.groepen for m in g.leden}
    units: dict[tuple[str, ...], None] = {}
    for name in taking:
        members = group_of.get(name, (name,))
        units[tuple(sorted((m for m in members if m in taking), key=taking.index))] = None
    return tuple(_part(functie, members, taking) for members in units)


def _part(functie: Functie, members: tuple[str, ...], taking: Sequence[str]) -> CriterionShare:
    weights = {name: functie.all_criteria[name].gewicht for name in taking}
    basic_sum = sum(c.gewicht for c in functie.criteria.values())
    own = sum(weights[m] for m in members)
    own_basic = sum(weights[m] for m in members if m in functie.criteria)
    return CriterionShare(
        "+".join(members),
        members,
        own / sum(weights.values()),
        own / basic_sum,
        own_basic / basic_sum,
    )


def criterion_of(parts: Sequence[CriterionShare], layer: str) -> int:
    """Return the index of the criterion that a layer belongs to, or ``NO_CRITERION``."""
    found = (k for k, part in enumerate(parts) if layer in part.members)
    return next(found, kernel.NO_CRITERION)


def ordered_power(methode: str, orness: float | None) -> float:
    """Return the power of the order weights; check method and orness.

    Raises
    ------
    ArgumentError
        If the method is unknown, or orness missing, out of place or outside (0, 1).
    """
    if not isinstance(methode, str) or methode not in METHODS:
        raise ArgumentError("unknown methode", value=methode, allowed=nearest(str(methode), METHODS))
    if methode != "owa":
        if orness is not None:
            raise ArgumentError("orness belongs to methode 'owa'", value=orness, where=methode)
        return 1.0
    if not isinstance(orness, (int, float)) or not 0 < orness < 1:
        raise ArgumentError("orness is mandatory for 'owa'", value=orness, allowed="0 < orness < 1")
    return (1 - orness) / orness


def _lines(criterion: Criterion) -> Array:
    """Return (x, y, slope) where a line starts, filled up with points that no value reaches."""
    x, y = np.array(criterion.curve, dtype=np.float64).T
    rows = np.stack([x[:-1], y[:-1], np.diff(y) / np.diff(x)])
    spare = -rows.shape[1] % curves.STEP if rows.size else curves.STEP
    never = np.array([[math.inf], [y[0] if len(x) == 1 else 0.0], [0.0]])
    return np.hstack([rows, np.repeat(never, spare, axis=1)])


def _absent_score(criterion: Criterion) -> float:
    return math.nan if criterion.score_afwezig is None else criterion.score_afwezig


def _curves(criteria: Sequence[Criterion], lines: Sequence[Array]) -> dict[str, Array]:
    return {
        "point": np.cumsum([0, *(line.shape[1] for line in lines)]),
        "last_x": np.array([c.curve[-1][0] for c in criteria], dtype=np.float32),
        "last_y": np.array([c.curve[-1][1] for c in criteria], dtype=np.float32),
        "absent": np.array([_absent_score(c) for c in criteria], dtype=np.float32),
    }


def weight_numbers(parts: Sequence[CriterionShare], heavy: float) -> dict[str, Any]:
    """Return the numbers of criteria that depend on their weights; from the share ``heavy`` on one caps the class."""
    return {
        "weight": np.array([p.weight for p in parts], dtype=np.float32),
        "basic": np.array([p.basic for p in parts], dtype=np.float32),
        "heavy": np.array([p.share + 1e-6 >= heavy for p in parts]),
    }


def _reach(threshold: Threshold) -> tuple[np.float32, np.float32]:
    """Return the float32 interval of values on which a threshold fires."""
    absent = registry.layer_kinds()[threshold.laag].may_be_absent
    value, inf = np.float32(threshold.waarde), np.float32(np.inf) if absent else np.finfo(np.float32).max
    return {
        ">=": (value, inf),
        ">": (np.nextafter(value, inf), inf),
        "<": (-inf, np.nextafter(value, -inf)),
        "<=": (-inf, value),
        "==": (value, value),
    }[threshold.operator]


def _verdict(threshold: Threshold, parts: Sequence[CriterionShare]) -> int:
    """Return what a threshold says to the kernel where it fires."""
    if threshold.gevolg == "aandacht":
        return 0
    excluded = int(kernel.EXCLUDED) if threshold.gevolg == "uitsluiten" else 0
    return 1 + criterion_of(parts, threshold.laag) + excluded


def _thresholds(functie: Functie, parts: Sequence[CriterionShare], places: Mapping[str, int]) -> dict[str, Any]:
    """Return the thresholds in the order in which they have a say."""
    order = sorted(range(len(functie.drempels)), key=lambda i: SAY.index(functie.drempels[i].gevolg))
    sorted_ = [functie.drempels[i] for i in order]
    reach = [_reach(t) for t in sorted_]
    return {
        "thresholds": np.int64(len(reach)),
        "t_bit": np.array(order, dtype=np.int32),
        "t_layer": np.array([places.get(t.laag, levels.MISSING) for t in sorted_], dtype=np.int64),
        "t_low": np.array([low for low, _ in reach], dtype=np.float32),
        "t_high": np.array([high for _, high in reach], dtype=np.float32),
        "t_verdict": np.array([_verdict(t, parts) for t in sorted_], dtype=np.int32),
    }


def ceilings_of(functie: Functie, present: Collection[str]) -> list[tuple[str, str]]:
    """Return the classes that a functie does not pass on these layers, each with the reason."""
    known = {*present, *derived_of(present)}
    own = [(functie.hoogstens, functie.hoogstens_reden)] if functie.hoogstens else []
    return own + [(letter, functie.zonder_reden) for layer, letter in functie.zonder.items() if layer not in known]


def ceiling_of(functie: Functie, present: Collection[str]) -> np.int32:
    """Return the code of the best class that a functie allows."""
    codes = {step.letter: code for code, step in registry.answer_scale().items()}
    return np.int32(max((codes[letter] for letter, _ in ceilings_of(functie, present)), default=1))


def _levels(functie: Functie, index: Mapping[str, int]) -> dict[str, Any]:
    """Return what a block must know of the groundwater levels that differ from their layers."""
    used = layers_used(functie)
    asked = np.array([n in used and n in {*index, *derived_of(index)} for n in levels.LEVELS])
    return {
        "derives": bool(used.intersection(derived_of(index))),
        "derived": gvg_numbers(),
        "raises": rewets(functie) and asked.any(),
        "level": np.array([index.get(n, levels.MISSING) for n in levels.LEVELS], np.int64),
        "asked": asked,
        "ground": np.array([index.get(n, levels.MISSING) for n in levels.GROUND], np.int64),
        **rewetting_of(functie)._asdict(),
    }


def _places(functie: Functie, index: Mapping[str, int]) -> dict[str, int]:
    """Return where a block finds the values of layers: as they are, or where it makes them."""
    known = {*index, *derived_of(index)}
    made = known.intersection(levels.LEVELS) if rewets(functie) else derived_of(index)
    return {**index, **{n: levels.MADE - levels.LEVELS.index(n) for n in made}}


@lru_cache(maxsize=512)
def _model(functie_json: str, present: frozenset[str], methode: str, power: float) -> kernel.Model:
    functie = Functie.model_validate_json(functie_json)
    rules = registry.scoring_rules()
    parts = criterion_shares(functie, tuple(present))
    index = {name: i for i, name in enumerate(registry.layer_kinds()) if name in present}
    places = _places(functie, index)
    members = [m for part in parts for m in part.members]
    criteria = [functie.all_criteria[m] for m in members]
    lines = [_lines(c) for c in criteria]
    borders = [step.score_min for step in registry.answer_scale().values() if step.score_min]
    numbers = record_of(
        kernel.NUMBERS,
        criteria=np.int64(len(parts)),
        first=np.cumsum([0, *(len(p.members) for p in parts)]),
        **weight_numbers(parts, rules.kap_gewicht),
        layer=np.array([places.get(m, levels.MISSING) for m in members], dtype=np.int64),
        **_curves(criteria, lines),
        **_thresholds(functie, parts, places),
        classes=np.int64(len(borders)),
        borders=np.array(borders, dtype=np.float32),
        ceiling=ceiling_of(functie, index),
        method=np.int64(METHODS[methode]),
        power=np.float64(power),
        floor=np.float32(rules.ondergrens),
        known_min=np.float32(rules.bekend_min),
        fatal=np.float32(rules.fataal),
        group_known=np.float32(rules.groep_bekend),
        margin=np.float32(rules.marge),
        **_levels(functie, index),
    )
    return kernel.Model(numbers, np.hstack(lines).astype(np.float32))


def model_of(
    functie: Functie, present: Sequence[str], methode: str = "meetkundig", orness: float | None = None
) -> kernel.Model:
    """Return what the kernel needs to score a functie on the layers present."""
    power = ordered_power(methode, orness)
    return _model(functie.model_dump_json(), frozenset(present), methode, power)


def check_codes(functie: Functie, layers: Mapping[str, Array]) -> None:
    """Refuse values that a class table of the functie does not list.

    Raises
    ------
    LayerError
        Naming the layer, the codes and the table.
    """
    for name, criterion in functie.all_criteria.items():
        if criterion.klassen and name in layers:
            values = np.unique(layers[name][np.isfinite(layers[name])])
            unlisted = sorted(set(values.tolist()) - {float(np.float32(c)) for c in criterion.klassen})
            if unlisted:
                raise LayerError(
                    "class table does not list these codes",
                    value=unlisted[:10],
                    allowed=", ".join(f"{c:g}" for c in criterion.klassen),
                    where=f"{functie.id}: criteria.{name}.klassen",
                )


NOTHING: dict[str, Array] = {
    "score": np.empty(0, np.float32),
    "klasse": np.empty(0, np.uint8),
    "bepalend": np.empty(0, np.uint8),
    "dekking": np.empty(0, np.float32),
    "flags": np.empty(0, np.uint16),
    "known": np.empty(0, np.uint16),
    "score_min": np.empty(0, np.float32),
    "score_max": np.empty(0, np.float32),
    "klasse_min": np.empty(0, np.uint8),
    "klasse_max": np.empty(0, np.uint8),
}
ANSWER = ("score", "klasse", "bepalend", "dekking", "flags")
INTERVAL = ("score_min", "score_max")


def outputs(shape: tuple[int, ...], wanted: Sequence[str], criteria: int = 0) -> dict[str, Array]:
    """Return arrays for the kernel to fill; those not wanted are empty."""
    out = {name: np.empty(shape, nothing.dtype) if name in wanted else nothing for name, nothing in NOTHING.items()}
    cells = math.prod(shape) if "loss" in wanted else 0
    return {**out, "loss": np.empty((criteria + 1, cells), np.float32)}


def fill_scores(model: kernel.Model, layers: Mapping[str, Array], out: Mapping[str, Array]) -> None:
    """Run the kernel over C-ordered float32 layers of one shape, in threads."""
    flat = [layers[n].reshape(-1) if n in layers else NOTHING["score"] for n in registry.layer_kinds()]
    target = {n: a if n == "loss" else a.reshape(-1) for n, a in out.items()}

    def work(part: slice) -> None:
        pieces = {name: array[..., part] for name, array in target.items()}
        kernel.score_cells(tuple(f[part] for f in flat), model, kernel.Scores(**pieces))

    in_blocks(work, target["score"].size, kernel.BLOCK)


def score_arrays(
    layers: Mapping[str, Array],
    functie: Functie,
    methode: str = "meetkundig",
    orness: float | None = None,
    wanted: Sequence[str] = ANSWER,
) -> dict[str, Array]:
    """Score arrays of one shape; return the wanted results by the kernel's names.

    Parameters
    ----------
    layers : mapping of layer id to float32 array
        At least one layer; NaN = unknown, +inf = absent.
    functie : Functie
    methode, orness
        As in :func:`geschiktheid`.
    wanted : sequence of str
        Names of :class:`waterbodem.kernels.scoring.Scores`; ``score`` is always made.
    """
    check_codes(functie, layers)
    shape = next(iter(layers.values())).shape
    model = model_of(functie, list(layers), methode, orness)
    out = outputs(shape, ("score", *wanted), int(model.numbers["criteria"]))
    fill_scores(model, layers, out)
    return {name: out[name] for name in wanted}


VARIABLES = {
    "geschiktheid": ("score", "geschiktheid (0 = slecht, 1 = goed)"),
    "klasse": ("klasse", "antwoordklasse"),
    "bepalend": ("bepalend", "criterium dat de score het meest drukt"),
    "dekking": ("dekking", "deel van het gewicht dat bekend is"),
    "vlaggen": ("flags", "drempels die afgaan, bit i = drempel i"),
    "score_min": ("score_min", "geschiktheid als al het onbekende slecht uitvalt"),
    "score_max": ("score_max", "geschiktheid als al het onbekende goed uitvalt"),
}


def scoring_attrs(name: str, functie: Functie, names: Sequence[str]) -> dict[str, Any]:
    """Return the attributes of a result: label, units, and CF flags for codes."""
    attrs: dict[str, Any] = {"long_name": VARIABLES[name][1]}
    if name == "klasse":
        attrs |= answer_flags()
    elif name == "bepalend":
        attrs |= criterion_flags(names)
    elif name == "vlaggen":
        attrs |= threshold_flags(functie)
    else:
        attrs["units"] = "1"
    return attrs


def _one(cells: LayerSet, functie: Functie, methode: str, orness: float | None, interval: bool) -> xr.Dataset:
    names = [n for n in VARIABLES if interval or VARIABLES[n][0] not in INTERVAL]
    wanted = [VARIABLES[n][0] for n in names]
    arrays = score_arrays(cells.present, functie, methode, orness, wanted)
    criteria = [part.name for part in criterion_shares(functie, list(cells.present))]
    derived = [n for n in derived_of(cells.present) if n in layers_used(functie)]
    return cells.results(
        {n: (arrays[VARIABLES[n][0]], scoring_attrs(n, functie, criteria)) for n in names},
        {
            "functie": functie.id,
            "criteria": criteria,
            **({"afgeleid": derived} if derived else {}),
            "methode": methode,
            **({} if orness is None else {"orness": orness}),
            "definities": registry.rules_version(),
            "functie_sha256": registry.definition_sha256(functie),
        },
    )


@either_spelling
def geschiktheid(
    layers: xr.Dataset,
    functie: str | Functie | Sequence[str | Functie],
    methode: str = "meetkundig",
    orness: float | None = None,
    interval: bool = False,
) -> xr.Dataset:
    """Score how well water and soil bear a functie, cell by cell.

    Parameters
    ----------
    layers : xr.Dataset
        Layers of rekenregels section 1 on (y, x), NaN = unknown; other variables are ignored. Chunked layers give a
        lazy result, the same byte for byte.
    functie : str, Functie or list of them
        A list gives a leading dimension ``functie``.
    methode : {"meetkundig", "gemiddelde", "minimum", "owa"}
        How scores of criteria are combined.
    orness : float, optional
        For ``owa`` only, between 0 (looks at the worst) and 1 (at the best).
    interval : bool
        Also give the score if all that is unknown turned out worst or best.

    Returns
    -------
    xr.Dataset
        ``geschiktheid`` float32 0..1, ``klasse`` uint8 (1 A .. 5 D, 0 X), ``bepalend`` uint8 (index in
        attribute ``criteria``, 255 = none), ``dekking`` float32 0..1, ``vlaggen`` uint16; with ``interval``
        also ``score_min`` and ``score_max``.

    Raises
    ------
    WaterbodemError
        If a functie is unknown, an argument out of range, or the layers are not on one grid.

    Examples
    --------
    >>> import waterbodem as wb
    >>> k = wb.geschiktheid(wb.example(size=50), "woningbouw")
    >>> k.klasse.dtype, k.attrs["criteria"][0]
    (dtype('uint8'), 'zettingsgevoeligheid')
    """
    settings = Settings.of(locals())
    chosen, many = registry.chosen_functies(functie)
    methode, orness = settings.method
    names = known_names(layers)
    wanted = layers_of(*chosen, present=names)
    used = [n for n in names if n in wanted]
    answers = partial(
        _answers, used=used, functies=chosen, many=many, methode=methode, orness=orness, interval=interval
    )
    return by_block(answers, layers, used)


def layers_used(functie: Functie) -> set[str]:
    """Return the layers of the criteria and thresholds of a functie, and those that it is capped without."""
    return {*functie.all_criteria, *(t.laag for t in functie.drempels), *functie.zonder}


def layers_of(*functies: Functie, present: Collection[str] = ()) -> set[str]:
    """Return the layers that the scores of functies can depend on, where ``present`` are in the data."""
    used = {f.id: layers_used(f) for f in functies}
    causes = {n for f in functies if rewets(f) and used[f.id] & set(levels.LEVELS) for n in CAUSES}
    return with_sources(causes.union(*used.values()), present)


def _answers(
    layers: xr.Dataset,
    *,
    used: Sequence[str],
    functies: Sequence[Functie],
    many: bool,
    methode: str,
    orness: float | None,
    interval: bool,
) -> xr.Dataset:
    memory.check_room(grid_of(layers), LAYERS_WORTH * len(functies))
    cells = layer_set(layers, used)
    results = [_one(cells, f, methode, orness, interval) for f in functies]
    return join_functies(results, functies) if many else results[0]


def join_functies(results: Sequence[xr.Dataset], functies: Sequence[Functie]) -> xr.Dataset:
    """Join results of several functies along a leading dimension ``functie``."""
    ids = [f.id for f in functies]
    joined = xr.concat(results, dim="functie", coords="minimal", compat="override", combine_attrs="drop_conflicts")
    joined = joined.assign_coords(functie=("functie", ids))
    for name in ("criteria", "functie_sha256"):
        if all(name in r.attrs for r in results):
            joined.attrs[name] = json.dumps({i: r.attrs[name] for i, r in zip(ids, results, strict=True)})
    return joined.transpose("functie", "y", "x")
