"""The data of a report: what is known of every layer, and what was done to it before it counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from waterbodem.core import dataset
from waterbodem.definitions import registry
from waterbodem.definitions.labels import (
    decimal,
    derived_text,
    layer_label,
    name_of,
    name_within,
    plain_number,
    resampled_text,
    short_name,
    texts,
)
from waterbodem.definitions.layer_name import LayerName
from waterbodem.definitions.present_use import assumed
from waterbodem.definitions.units import unit_text
from waterbodem.engine.derived import sources_of
from waterbodem.views.caveats import Caveats

if TYPE_CHECKING:
    from waterbodem.answers.answer import Answer

#: Letters of what a layer says of itself at most; and hectares that are worth a remark.
REMARK, TOLD_HA = 200, 0.005


def inputs_told(assessment: Answer, taal: str) -> list[dict[str, str]]:
    """Return what is known of every layer that took part; missing source or vintage is said."""
    layers, unknown = assessment.question.layers, str(texts(taal)["onbekend"])
    names = _names(layers)
    keys = {"source": unknown, "vintage": unknown, "file": "", "sha256": "", "afwijking": ""}
    return [
        {
            "laag": n,
            "cellen": dataset.sha256_of_cells(layers[n]),
            "units": registry.layer_kinds()[LayerName.of(n).layer].unit,
            **{k: short_name(layers[n].attrs.get(k, other), 200) for k, other in keys.items()},
            "korrel": _grain(layers[n].attrs, taal),
            "resampled": resampled_text(short_name(layers[n].attrs.get("resampled", ""), 200), taal),
        }
        for n in names
    ] + [_derived_input(n, layers, taal) for n in assessment.derived]


def _derived_input(name: str, layers: Any, taal: str) -> dict[str, str]:
    """Return what is known of a layer that was derived: of what, and of which years those are."""
    years = dict.fromkeys(str(layers[n].attrs.get("vintage", texts(taal)["onbekend"])) for n in sources_of(name))
    nothing = dict.fromkeys(("file", "sha256", "cellen", "resampled", "afwijking", "korrel"), "")
    told = {"source": derived_text(name, taal), "vintage": short_name("; ".join(years), 200)}
    return {"laag": name, "units": registry.layer_kinds()[name].unit, **nothing, **told}


def _names(layers: Any) -> list[str]:
    return [str(n) for n in layers.data_vars if LayerName.of(n).layer in registry.layer_kinds()]


def _grain(attrs: Mapping[str, Any], taal: str) -> str:
    """Return how coarse what a layer was made from is [m]."""
    return plain_number(float(attrs["korrel_m"]), taal) if attrs.get("korrel_m") else str(texts(taal)["onbekend"])


def handled(assessment: Answer, taal: str) -> list[str]:
    """Return what was converted, turned, resampled and assumed, a sentence each."""
    layers = assessment.question.layers
    told = [text for n in _names(layers) for text in _of_layer(n, layers[n].attrs, taal)]
    return [*told, *_of_present_use(assessment, taal)]


def _of_layer(name: str, attrs: Mapping[str, Any], taal: str) -> list[str]:
    t, kind = texts(taal)["rapport"], registry.layer_kinds()[LayerName.of(name).layer]
    known = {k: short_name(v, REMARK) for k, v in attrs.items() if str(k).startswith("given_") or k == "resampled"}
    found = {
        "omgerekend": ("given_units", {"van": known.get("given_units"), "naar": unit_text(kind.unit, taal)}),
        "gekeerd": ("given_positive", {"teken": t["richting"].get(known.get("given_positive"), "")}),
        "herschaald": ("resampled", {"hoe": resampled_text(known.get("resampled", ""), taal)}),
        "crs_aangenomen": ("given_crs", {"crs": known.get("given_crs")}),
        "vertaald": ("given_classes", {"n": known.get("given_classes")}),
        "buiten_bereik": ("unknown_by_range", {"n": decimal(attrs.get("unknown_by_range", 0), 0, taal)}),
    }
    label, told = layer_label(name, taal), [(k, words) for k, (attr, words) in found.items() if attrs.get(attr)]
    said = [t[key].format(laag=label, **words) for key, words in told]
    return [*said, *_range(name, attrs, taal)]


def _range(name: str, attrs: Mapping[str, Any], taal: str) -> list[str]:
    """Tell that the user set another plausible range."""
    span = attrs.get("range")
    if span is None:
        return []
    low, high = (plain_number(float(v), taal) for v in span)
    unit = unit_text(registry.layer_kinds()[LayerName.of(name).layer].unit, taal)
    words = {"laag": layer_label(name, taal), "laagste": low, "hoogste": high, "eenheid": unit}
    return [str(texts(taal)["rapport"]["bereik_anders"].format(**words)).replace(" .", ".")]


def _of_present_use(assessment: Answer, taal: str) -> list[str]:
    """Tell that the present use was assumed, and of which plans it is implausible."""
    t = texts(taal)["rapport"]
    use = name_within(name_of(assumed(), taal))
    told = [t["gebruik_aangenomen"].format(naam=use)] if Caveats(assessment, taal).assumed else []
    rows = assessment.rows.drop_duplicates("nr")
    if "referentie_onaannemelijk_ha" not in rows:
        return told
    wet = rows[rows.referentie_onaannemelijk_ha >= TOLD_HA]
    return told + [
        t["onaannemelijk"].format(
            gebieden=short_name(r.gebied, REMARK), ha=decimal(r.referentie_onaannemelijk_ha, 2, taal)
        )
        for r in wet.itertuples()
    ]
