"""What the command line shows of measures (maatregelen): a line for each, or one in full, in a language."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from waterbodem.definitions import registry
from waterbodem.definitions.labels import layer_label, plain_number, texts
from waterbodem.definitions.measures.measure import Maatregel, Price, verbs_text
from waterbodem.definitions.models import Sourced
from waterbodem.views.console import columns, plain_text

Section = tuple[str, Iterable[str]]


def measures_text(measures: Iterable[Maatregel], taal: str = "nl") -> str:
    """Return a line per measure; one that is off says why below them."""
    t, known = texts(taal)["maatregel"], list(measures)
    rows = [(m.nr, m.id, m.groep, _name(m, taal)) for m in known]
    off = [f"{t['uit']} {m.id}: {m.reden}" for m in known if not m.aan]
    return plain_text("\n".join([columns([("nr", "id", t["groep"], t["naam"]), *rows]), *([""] if off else []), *off]))


def measure_text(measure: Maatregel, taal: str = "nl") -> str:
    """Return everything about one measure, with where its numbers come from."""
    t = texts(taal)["maatregel"]
    head = f"{_flat(measure.naam)} ({measure.id}, nr {measure.nr})"
    parts = [(head, [f'  "{_clause(measure, taal)}"']), *_sections(measure, t, taal)]
    shown = [(title, [line for line in lines if line.strip()]) for title, lines in parts]
    return plain_text("\n\n".join("\n".join([title, *lines]) for title, lines in shown if lines))


def _sections(m: Maatregel, t: dict[str, str], taal: str) -> Iterator[Section]:
    yield t["uit"], [f"  {m.reden}"]
    yield t["voor"], ["  " + (t["alle"] if m.functies == "alle" else ", ".join(m.functies))]
    yield t["waar"], [*_conditions(m, t, taal)]
    yield t["verandert"], [f"  {change}" for change in m.changes]
    yield t["anders"], [f"  {' '.join((other.functie, other.waterschap)).strip()}" for other in m.anders]
    yield t["niet_met"], [f"  {t['groep']} {m.groep}", *(f"  {other}" for other in m.niet_met)]
    yield t["kosten"], [*_price(m.kosten, t)]
    yield t["maanden"], ["  " + " - ".join(map(str, m.maanden))]
    yield t["hangt_af_van"], [f"  {other}" for other in m.hangt_af_van]
    yield t["ook_nodig"], [f"  {_flat(need)}" for need in m.ook_nodig]
    yield t["bijwerking"], [f"  {_flat(m.bijwerking)}"]
    yield t["bron"], [f"  {_remarks(m)}", *_documents(m)]


def _conditions(m: Maatregel, t: dict[str, str], taal: str) -> Iterator[str]:
    yield from (f"  {layer_label(layer, taal)} {verbs_text(tests)}" for layer, tests in m.waar.items())
    for layer, tests in m.waar_bekend.items():
        yield f"  {layer_label(layer, taal)} {verbs_text(tests)} ({t['waar_bekend']})"
    if m.waar_aandeel is not None:
        yield f"  {t['waar_aandeel'].format(deel=plain_number(m.waar_aandeel, taal))}"


def _price(price: Price, t: dict[str, str]) -> Iterator[str]:
    yield f"  {price.text}"
    yield f"      {t['bron']}: {_remarks(price)}"
    if price.grond_niet_gerekend:
        yield f"      {t['zonder_grond']}"


def _remarks(sourced: Sourced) -> str:
    return _flat("; ".join(r for r in (sourced.provenance, sourced.toelichting) if r))


def _documents(m: Maatregel) -> Iterator[str]:
    """Yield every document that a number of this measure comes from, in full."""
    prices = [m.kosten, *(other.kosten for other in m.anders if other.kosten)]
    keys: Collection[str] = dict.fromkeys(key for part in (m, *prices) for key in part.bron)
    known = registry.sources()
    return (f"  {k}: {known[k].titel}. {known[k].vindplaats}" if k in known else f"  {_flat(k)}" for k in keys)


def _name(m: Maatregel, taal: str) -> str:
    return _flat(m.naam if taal == "nl" else _clause(m, taal))


def _clause(m: Maatregel, taal: str) -> str:
    return _flat(m.zin if taal == "nl" else m.zin_en or m.zin)


def _flat(text: str) -> str:
    return " ".join(text.split())
