# make run    installs what the program needs into .venv and starts it (headless demo where there is no display)
# make test   installs everything, checks style and types, runs the headless demo and all tests
# make lint   style and types only
# make wheels builds what is installed elsewhere into dist: the program, the engines alone, training
# make package builds the program without Python into dist/faceapp, tries it, and makes a .deb where dpkg is
# make docs   builds the documentation as a site into dist/docs
# make bench  speed of the pipeline and of the engines, for docs/benchmarks.md

VENV ?= .venv
ARGS ?=
# Processes that run tests side by side.
WORKERS ?= 2
# The first of these that really runs (a version manager may put empty names on the path).
PYTHON ?= $(shell for name in python3.12 python3.11 python3.10 python3 python; do \
	$$name -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$name && break; done)
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: run test lint check wheels package docs bench clean

run: $(VENV)/.run
	$(BIN)/python -m faceapp $(ARGS)

test: lint check
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile $(ARGS)

check: $(VENV)/.test
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m faceapp --sessions out/sessions

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

wheels: $(VENV)/.test
	$(BIN)/python -m hatchling build -d dist
	cd packaging/engines && $(abspath $(BIN))/python -m hatchling build -t wheel -d $(CURDIR)/dist
	cd packaging/training && $(abspath $(BIN))/python -m hatchling build -t wheel -d $(CURDIR)/dist

package: $(VENV)/.run
	$(PIP) install -e '.[openvino,package]'
	$(BIN)/python packaging/program/icons.py
	$(BIN)/pyinstaller --noconfirm --log-level WARN --distpath dist --workpath build/program packaging/program/faceapp.spec
	$(BIN)/python packaging/program/smoke_test.py
	if command -v dpkg-deb >/dev/null; then $(BIN)/python packaging/linux/make_deb.py; fi

docs: $(VENV)/.run
	$(PIP) install -e '.[docs]'
	$(BIN)/mkdocs build --strict --quiet --config-file packaging/docs/mkdocs.yml

bench: $(VENV)/.test
	$(BIN)/python -m faceapp bench demo $(ARGS)
	$(BIN)/python -m engines bench --model multitask --backend all --batch 1,4,16

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "faceapp: expected Python 3.10, 3.11 or 3.12 on the path, found none; install one (Debian: apt-get install python3 python3-venv) or name it: make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV) || { echo "faceapp: Python's venv module is missing; install it (Debian: apt-get install python3-venv)"; exit 2; }
	@touch $@

$(VENV)/.run: pyproject.toml | $(VENV)/.made
	$(PIP) install -e '.[openvino]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(VENV)/.made
	$(PIP) install -e '.[openvino,train,test]'
	@touch $@ $(VENV)/.run

clean:
	rm -rf build dist out .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
