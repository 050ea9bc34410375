"""What keeps development the same for everybody: versions, hooks, stages of CI, templates, and who is named."""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from pre_commit.clientlib import load_config

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text("utf-8")
#: A version with its marker, and the hashes of its files.
PIN = re.compile(r"^(\S+==[^\\\n]*?)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.MULTILINE)
#: What decides on a pin, for each Python the versions are for.
PYTHONS = [{"python_version": v, "python_full_version": f"{v}.7", "extra": "dev"} for v in ("3.11", "3.12", "3.13")]


def wanted():
    """Everything that development needs by name, whatever extra it stands in."""
    extras = PROJECT["optional-dependencies"]
    found = [Requirement(r) for r in PROJECT["dependencies"] + [r for some in extras.values() for r in some]]
    return [r for r in found if r.name != PROJECT["name"]]


def pins():
    return [Requirement(pin) for pin, _ in PIN.findall(CONSTRAINTS)]


# --- versions --------------------------------------------------------------------------------------------------------


def test_versions_name_no_address_and_every_file_has_a_hash():
    assert not re.search(r"://|^\s*-(?!-hash=)|^--", CONSTRAINTS, re.MULTILINE)
    assert PIN.sub("", CONSTRAINTS).strip() == ""


@pytest.mark.parametrize("python", PYTHONS, ids=lambda p: p["python_version"])
@pytest.mark.parametrize("needed", wanted(), ids=str)
def test_all_that_is_needed_has_one_version_that_will_do(needed, python):
    """Fails after a change of pyproject.toml: run ``make constraints``."""
    if needed.marker and not needed.marker.evaluate(python):
        return
    named = [p for p in pins() if canonicalize_name(p.name) == canonicalize_name(needed.name)]
    (pin,) = [p for p in named if p.marker is None or p.marker.evaluate(python)]
    (exact,) = pin.specifier
    assert needed.specifier.contains(Version(exact.version))


# --- hooks and CI ----------------------------------------------------------------------------------------------------


def hooks():
    (repository,) = load_config(str(ROOT / ".pre-commit-config.yaml"))["repos"]
    assert repository["repo"] == "local"
    return repository["hooks"]


@pytest.mark.parametrize("hook", hooks(), ids=lambda h: h["id"])
def test_a_hook_calls_what_the_extra_dev_installs(hook):
    program = hook["entry"].split()[0]
    assert hook["language"] in ("system", "unsupported")  # as pre-commit calls it from 4.4 on
    assert shutil.which(program, path=str(Path(sys.executable).parent))


def test_the_hooks_are_what_lint_runs():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)[1]
    commands = [line.strip().removeprefix("$(BIN)/").removesuffix(" .") for line in lint.splitlines()]
    assert [h["entry"].removesuffix(" --force-exclude") for h in hooks()] == commands


# --- who and what ----------------------------------------------------------------------------------------------------


def test_the_citation_agrees_with_the_project():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    assert cited["title"].startswith(f"{PROJECT['name']}: ")
    for name in ("license", "keywords", "authors"):
        assert cited[name] == PROJECT[name]


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.md")), ids=lambda p: p.stem)
def test_a_template_of_an_issue_has_a_name_and_questions(path):
    _, head, questions = path.read_text("utf-8").split("---\n", 2)
    assert {"name", "about", "labels"} == set(yaml.safe_load(head))
    assert questions.count("**") >= 6
