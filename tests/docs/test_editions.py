"""The page of archetype sites holds what experts expect and the answers of the live rules; the other what changed."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

import waterbodem as wb

ROOT = Path(__file__).parents[2]
CASE = json.loads((ROOT / "tests" / "data" / "archetypen.json").read_text("utf-8"))
SITES = {site["naam"]: site for site in CASE["plekken"]}
EARLIER = json.loads((ROOT / "docs" / "editie_1.json").read_text("utf-8"))["plekken"]
ORDER = ["A", "B", "C1", "C2", "D"]


@pytest.fixture(scope="module")
def pages():
    """What the documentation makes of the sites."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(ROOT / "docs"), *sys.path])
        import bouw

        yield bouw


@pytest.fixture(scope="module")
def sites(pages):
    """Parts of the page by site."""
    parts = pages.archetypes_page(pages.environment()).split("\n## ")[2:]
    return dict(zip(SITES, parts, strict=True))


def rows(part):
    """Rows of the table of answers: name of the functie, class, risk, what experts hold it to."""
    found = [[c.strip() for c in line.split("|")[1:-1]] for line in part.splitlines() if line.startswith("| [")]
    return [(name[1 : name.index("]")], chip[chip.index(">") + 1 : -7], risk, said) for name, chip, risk, said in found]


@pytest.mark.parametrize("name", SITES)
def test_a_site_shows_its_sentence_and_every_answer_of_the_rules(sites, name):
    site, part = SITES[name], sites[name]
    assert f"Verwacht: *{site['verwachting']}*." in part
    found = {functie: (letter, risk) for functie, letter, risk, _ in rows(part)}
    assert len(found) == 16
    for functie in wb.functies().values():
        letter, risk = found[functie.naam]
        wanted = site["risico"][functie.id]
        assert letter == site["antwoord"][functie.id]
        if site["waarden"][CASE["lagen"].index("gebruik")] == functie.code:
            assert risk == "n.v.t. (huidig gebruik)"
        elif wanted is None:
            assert risk == "onbekend"
        else:
            assert float(risk.replace(",", ".")) == pytest.approx(wanted, abs=0.0056)


@pytest.mark.parametrize(("bound", "count"), [("hoogstens", 71), ("minstens", 12)])
def test_every_refusal_of_the_experts_is_on_the_page_and_holds(sites, bound, count):
    said = [x for part in sites.values() for row in rows(part) for x in row[3].split("; ") if x.startswith(bound)]
    assert len(said) == count
    assert all(x.endswith(": gehouden") for x in said)


def worse(letter, than):
    return ORDER.index(letter) > ORDER.index(than)


def test_the_page_of_the_edition_counts_what_changed(pages):
    """Counted here from the case and the answers of edition 1, there from the live rules."""
    pairs = [(f, EARLIER[n][f][0], s["antwoord"][f]) for n, s in SITES.items() for f in EARLIER[n]]
    assert len(pairs) == 345
    changed = [(f, a, b) for f, a, b in pairs if a != b]
    text = " ".join(
        pages.environment().from_string((ROOT / "docs/paginas/editie-2.md").read_text("utf-8")).render().split()
    )
    stricter = sum(worse(b, a) for _, a, b in changed)
    assert (
        f"zijn er **{len(changed)} van klasse veranderd**: {stricter} strenger, {len(changed) - stricter} ruimer."
        in text
    )
    assert f" {sum(b == 'D' for _, _, b in changed)} daarvan gingen" in text
    assert not [f for f, a, _ in changed if a == "D"]
    for functie, count in Counter(f for f, _, _ in changed).items():
        assert f"| {wb.functies()[functie].naam} | {count} |" in text
    assert "| 71 van 71 |" in text and "| 12 van 12 |" in text


def test_what_edition_1_held_of_the_refusals(pages):
    known = [(n, f, c) for n, s in SITES.items() for f, c in s["hoogstens"].items() if f in EARLIER[n]]
    hold = sum(not worse(c, EARLIER[n][f][0]) for n, f, c in known)
    text = pages.environment().from_string((ROOT / "docs/paginas/editie-2.md").read_text("utf-8")).render()
    assert f"| {hold} van {len(known)} | 71 van 71 |" in text
