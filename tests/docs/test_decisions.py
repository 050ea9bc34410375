"""Each decision says how it stands, the index names it under its subjects; the changelog is written for users."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "decisions"
RECORDS = {int(p.name[:4]): p for p in sorted(FOLDER.glob("[0-9]*.md"))}
STATUSES = {"accepted", "superseded in part", "superseded"}
LINK = re.compile(r"\[(\d+)\]\(([^)]+)\), \S")


def title(number):
    return RECORDS[number].read_text("utf-8").splitlines()[0].removeprefix("# ")


def head(number):
    """Name and value of each line of the head of a record."""
    block = RECORDS[number].read_text("utf-8").split("\n\n")[1]
    return dict(line.removeprefix("- ").split(": ", 1) for line in block.splitlines())


def subjects(number):
    return head(number)["Subject"].removesuffix(" (*Kennis*)").split(", ")


def indexed():
    """Lines of the index by subject."""
    found = defaultdict(list)
    for part in (FOLDER / "README.md").read_text("utf-8").split("\n## ")[1:]:
        found[part.splitlines()[0].lower()] += re.findall(r"^- .*", part, re.MULTILINE)
    return found


def test_records_are_numbered_without_a_gap():
    assert list(RECORDS) == list(range(1, len(RECORDS) + 1))
    assert len(RECORDS) == len(list(FOLDER.glob("*.md"))) - 1


@pytest.mark.parametrize("number", RECORDS)
def test_a_record_says_what_it_is_and_how_it_stands(number):
    assert title(number).startswith(f"{number}. ")
    told = head(number)
    assert told["Status"] in STATUSES
    assert re.fullmatch(r"20\d\d-[01]\d-[0-3]\d", told["Date"])
    assert ("Superseded by" in told) == (told["Status"] != "accepted")


@pytest.mark.parametrize(("here", "there"), [("Supersedes", "Superseded by"), ("Superseded by", "Supersedes")])
def test_what_supersedes_and_what_is_superseded_name_each_other(here, there):
    for number in RECORDS:
        for other, name in LINK.findall(head(number).get(here, "")):
            assert RECORDS[int(other)].name == name
            assert f"[{number}]({RECORDS[number].name})" in head(int(other))[there]


def test_the_index_names_every_record_under_its_subjects():
    wanted = defaultdict(list)
    for number, path in RECORDS.items():
        mark = " *Kennis*" if "(*Kennis*)" in head(number)["Subject"] else ""
        for subject in subjects(number):
            wanted[subject].append(f"- [{title(number)}]({path.name}){mark}")
    assert indexed() == wanted


# --- the changelog ---------------------------------------------------------------------------------------------------

CHANGELOG = ROOT / "CHANGELOG.md"
HEADINGS = ("Kennis", "Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")


def test_the_changelog_has_the_usual_headings_kennis_first():
    for version in CHANGELOG.read_text("utf-8").split("\n## ")[1:]:
        found = re.findall(r"^### (.*)", version, re.MULTILINE)
        assert found == [h for h in HEADINGS if h in found]
        assert found[0] == "Kennis"


def test_a_change_is_one_line():
    body = CHANGELOG.read_text("utf-8").split("\n### ", 1)[1]
    other = [line for line in body.splitlines()[1:] if line and not line.startswith(("- ", "### ", "## "))]
    assert other == []
    assert [line for line in body.splitlines() if len(line) > 120] == []
