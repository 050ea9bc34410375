# waterbodem: `make demo` answers the main question on the built-in area, `make test` runs every check, `make -k versions`
# runs the tests with the lowest versions that pyproject.toml allows and with the newest.
# Needs Python 3.11 or newer with venv (Debian: apt-get install python3-venv make).

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
READY = $(VENV)/.ready
# Bytecode, as pip leaves it of all but an editable install: without it a command takes a third of a second more to start.
COMPILE = $(BIN)/python -m compileall -q waterbodem
DEV = $(VENV)/.ready-dev
# Python for the lowest versions of what the library needs, and for the newest.
LOWEST ?= python3.11
NEWEST ?= python3.13
UV = $(BIN)/uv --quiet --no-managed-python --no-python-downloads
TESTS ?= -n 2 --dist loadfile

.PHONY: demo test lint unit versions lowest newest bench peers docs clean

demo: $(READY)
	$(BIN)/waterbodem demo --output waterbodem-demo

test: lint unit

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

# The tests in a fresh environment: its Python, and which versions are chosen.
define suite
	$(UV) venv --clear --python $(1) build/$@
	$(UV) pip install --python build/$@ --resolution $(2) --editable '.[dev]'
	build/$@/bin/python -m pytest $(TESTS)
endef

bench: $(DEV)
	$(BIN)/python benchmarks/in_memory.py

peers: $(DEV)
	$(BIN)/python benchmarks/peers.py --pairs 3

docs: $(DEV)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict -f docs/mkdocs.yml

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "waterbodem needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[flow]'
	$(COMPILE)
	touch $@

$(DEV): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(COMPILE)
	touch $@

clean:
	rm -rf $(VENV) waterbodem-demo build *.egg-info
