# waterbodem: `make demo` answers the main question on the built-in area, `make test` runs every check, `make -k versions`
# runs the tests with the lowest versions that pyproject.toml allows and with the newest, `make wheel` the demo of the wheel.
# Needs Python 3.11 or newer with venv (Debian: apt-get install python3-venv make).

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
READY = $(VENV)/.ready
DEV = $(VENV)/.ready-dev
# Python for the lowest versions of what the library needs, and for the newest: versions, or paths.
LOWEST ?= 3.11
NEWEST ?= 3.13
UV = $(BIN)/uv --quiet --no-managed-python --no-python-downloads
TESTS ?= -n 2 --dist loadfile

.PHONY: demo test dev lint unit versions lowest newest wheel constraints bench peers docs clean

demo: $(READY)
	$(BIN)/waterbodem demo --output waterbodem-demo

test: lint unit

dev: $(DEV)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

unit: $(DEV)
	$(BIN)/python -m pytest $(TESTS)

versions: lowest newest

lowest: $(DEV)
	$(call suite,$(LOWEST),lowest-direct)

newest: $(DEV)
	$(call suite,$(NEWEST),highest)

# A fresh environment of some Python; PYENV_VERSION lets pyenv, where it is used, give a version that is not its default.
environment = PYENV_VERSION=$(1) $(UV) venv --clear --python $(1) $(2)

# The tests in a fresh environment: its Python, and which versions are chosen. Of what these warn, nobody can know.
define suite
	$(call environment,$(1),build/$@)
	$(UV) pip install --python build/$@ --resolution $(2) --editable '.[dev]'
	build/$@/bin/python -m pytest $(TESTS) -W default
endef

# What others install: the wheel on the newest Python, and its demo in an empty folder.
wheel: $(DEV)
	rm -rf build/wheel
	$(UV) build --out-dir build/wheel .
	$(call environment,$(NEWEST),build/wheel/venv)
	$(UV) pip install --python build/wheel/venv --constraint constraints.txt \
		"waterbodem[flow] @ file://$$(echo $(CURDIR)/build/wheel/*.whl)"
	cd build/wheel && venv/bin/waterbodem demo --output demo

# Every version that development uses, with the hashes of its files, for all Pythons and systems; UPGRADE=--upgrade for newer.
constraints: $(DEV)
	$(UV) pip compile $(UPGRADE) --universal --python-version 3.11 --extra dev --generate-hashes --no-header \
		--no-annotate --no-emit-index-url --no-emit-find-links --output-file constraints.txt pyproject.toml

bench: $(DEV)
	$(BIN)/python benchmarks/record.py in_memory.py

peers: $(DEV)
	$(BIN)/python benchmarks/record.py peers.py --pairs 3

docs: $(DEV)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict -f docs/mkdocs.yml

define venv
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "waterbodem needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
endef

# Bytecode, as pip leaves it of all but an editable install: without it a command takes a third of a second more to start.
compile = $(BIN)/python -m compileall -q waterbodem

$(READY): pyproject.toml
	$(venv)
	$(PIP) --editable '.[flow]'
	$(compile)
	touch $@

$(DEV): pyproject.toml constraints.txt
	$(venv)
	$(PIP) --require-hashes --requirement constraints.txt
	$(PIP) --no-deps --editable .
	$(compile)
	touch $(READY) $@

clean:
	rm -rf $(VENV) waterbodem-demo build *.egg-info
