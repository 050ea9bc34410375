"""What rows of scenarios say together, written from the contract and fact sheet 3.4 (11): row by row, no arrays."""

from __future__ import annotations

import math

ORDER = ["A", "B", "C1", "C2", "D"]


def worst(letters):
    """The worst answer; one that is unknown makes it unknown, unless one is D already."""
    if "D" in letters:
        return "D"
    return "X" if "X" in letters else max(letters, key=ORDER.index)


def holds(today, then):
    """In how many scenarios the answer is the same or better; unknown where that of today is."""
    if today == "X":
        return math.nan
    return sum(letter != "X" and ORDER.index(letter) <= ORDER.index(today) for letter in then)


def regret(functie, rows):
    """Largest shortfall against the best functie, same criteria known as today, and which: (0.0, "") if none."""
    today = {r["functie"]: r for r in rows if r["scenario"] == ""}
    found = []
    for mine in (r for r in rows if r["functie"] == functie):
        for other in (r for r in rows if r["scenario"] == mine["scenario"]):
            pair = [(mine, today[functie]), (other, today[other["functie"]])]
            if all(a["antwoord"] != "X" and abs(a["dekking"] - b["dekking"]) <= 1e-6 for a, b in pair):
                found.append((other["score"] - mine["score"], other["functie"]))
    if not found:
        return math.nan, ""
    most = max(gap for gap, _ in found)
    return most, next(name for gap, name in found if gap >= most - 1e-6) if most > 1e-6 else ""


def across(rows, tests=()):
    """The columns on the row of today, by functie, of the rows of one polygon."""
    rows = [r for r in rows if r["scenario"] not in tests]
    found = {}
    for now in (r for r in rows if r["scenario"] == ""):
        then = [r["antwoord"] for r in rows if r["functie"] == now["functie"] and r["scenario"] != ""]
        most, best = regret(now["functie"], rows)
        found[now["functie"]] = {
            "antwoord_slechtst": worst([now["antwoord"], *then]),
            "houdt_k": holds(now["antwoord"], then),
            "houdt_n": len(then),
            "spijt": most,
            "spijt_functie": best,
        }
    return found
