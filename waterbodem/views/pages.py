"""Pages: templates filled in with every word escaped, and what keeps them safe wherever they are opened."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache, partial
from importlib.resources import files
from typing import Any

import jinja2

from waterbodem.answers.particulars import is_present_use
from waterbodem.definitions import registry
from waterbodem.definitions.labels import (
    amount,
    answer_steps,
    answer_text,
    chip_style,
    colour_of,
    criterion_label,
    css,
    decimal,
    digits_of,
    layer_label,
    name_of,
    number_label,
    percent,
    plain_number,
    resampled_text,
    risk_class,
    risk_text,
    symbol_colour,
    texts,
    threshold_label,
    trace,
)
from waterbodem.definitions.units import unit_text
from waterbodem.views.caveats import condition_text, omission_text
from waterbodem.views.kompas_rose import measured, petals, rings
from waterbodem.views.ranges import is_undecided


def render(template: str, taal: str, **context: Any) -> str:
    """Return a page.

    Raises
    ------
    ArgumentError
        If the language is not known.
    """
    texts(taal)
    return environment(taal).get_template(template).render(context)


@cache
def environment(taal: str) -> jinja2.Environment:
    """Return the template engine of a language: escapes by itself, knows every word, fails on a name it lacks."""
    env = jinja2.Environment(
        loader=jinja2.PackageLoader("waterbodem.views", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    env.filters.update(
        dec=lambda v, digits=2: decimal(v, digits, taal),
        trace=lambda v, digits=2: trace(v, digits, taal),
        pct=partial(percent, taal=taal),
        plain=partial(plain_number, taal=taal),
        amount=lambda v, unit: amount(v, unit, taal),
        unit=partial(unit_text, taal=taal),
        width=lambda share: f"{100 * share:.2f}".rstrip("0").rstrip("."),
        resampled=partial(resampled_text, taal=taal),
        sign=lambda s: s.replace("-", "\u2212"),
    )
    env.globals.update(_helpers(taal))
    return env


def _helpers(taal: str) -> dict[str, Any]:
    """Return what the template may call or look up, whatever the answer."""
    symbols = [s.kompas for s in answer_steps().values()]
    return {
        "taal": taal,
        "t": texts(taal),
        "name": partial(name_of, taal=taal),
        "layer_label": partial(layer_label, taal=taal),
        "criterion_label": partial(criterion_label, taal=taal),
        "threshold_label": partial(threshold_label, taal=taal),
        "number_label": partial(number_label, taal=taal),
        "measured": partial(measured, taal=taal),
        "condition": partial(condition_text, taal=taal),
        "is_undecided": is_undecided,
        "is_present_use": is_present_use,
        "left_out": partial(omission_text, taal=taal, brief=True),
        "answer_text": partial(answer_text, taal=taal),
        "risk_class": risk_class,
        "risk_text": partial(risk_text, taal=taal),
        "chip_style": chip_style,
        "css": css,
        "colour_of": colour_of,
        "digits_ha": lambda ha: 2 if ha < 100 else 0,
        "digits_of": digits_of,
        "steps": answer_steps(),
        "symbols": symbols,
        "symbol_colour": symbol_colour,
        "petals": petals,
        "rings": rings(),
        "symbol_ids": {s: i for i, s in enumerate(symbols)},
        "kinds": registry.layer_kinds(),
        "burden": registry.burden_rules(),
        "components": registry.burden_rules().components,
        "risk_classes": registry.burden_rules().risk_classes,
    }


def policy(scripts: Sequence[str] = (), images: Sequence[str] = ()) -> str:
    """Return a Content-Security-Policy: nothing from outside, and no script but these, by hash.

    Parameters
    ----------
    scripts : sequence of str
        The text of every script in the page, to the letter.
    images : sequence of str
        Origins that images may come from.

    Examples
    --------
    >>> policy().split("; ")[0]
    "default-src 'none'"
    """
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts]
    allowed = [f"script-src {' '.join(hashes)}"] if hashes else []
    rules = ["default-src 'none'", " ".join(["img-src data:", *images]), "style-src 'unsafe-inline'", *allowed]
    return "; ".join([*rules, "base-uri 'none'", "form-action 'none'"])


def script_text(name: str) -> str:
    """Return a script that comes with the package."""
    return files("waterbodem.views").joinpath("templates", name).read_text("utf-8")


def json_block(data: Any) -> str:
    r"""Return data as JSON that may stand inside a script element, whatever names it holds.

    Examples
    --------
    >>> json_block({"a": "</script>"})
    '{"a":"\\u003c/script\\u003e"}'
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate({ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})
