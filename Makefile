# `make app`, `make test`, `make test-long`: each installs what it needs on first use.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests side by side; each such process takes up to 2 GB.
WORKERS ?= 2
# The app and its processes are started many times: what was compiled is kept, whatever the environment says.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: app setup test test-long lint types unit pages faults browser clean

app: setup  ## start the app on 127.0.0.1 and print its address
	@exec $(BIN)/streamlit run streamlit_app.py

setup: $(VENV)/.installed  ## create .venv and install what the app needs

$(VENV)/.installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Plateau needs Python 3.11 or newer; name one with `make PYTHON=python3.12 ...`.")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.installed-tests: $(VENV)/.installed requirements-test.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-test.txt
	@touch $@

# Types take one core for half a minute: meanwhile the first tests take what is left.
test: lint  ## everything that must hold
	@$(MAKE) --no-print-directory -j2 types unit
	@$(MAKE) --no-print-directory pages faults browser

lint: $(VENV)/.installed-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-tests
	$(BIN)/mypy

unit: $(VENV)/.installed-tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal tests/unit

pages: $(VENV)/.installed-tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal tests/pages

faults: $(VENV)/.installed-tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal tests/faults

# A file's tests share a server and build on what the ones before left there.
browser: $(VENV)/.installed-tests
	$(BIN)/python -m tests.browser.chromium
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile tests/browser

# Hours on two cores. docs/reliability.md has what they said last.
test-long: $(VENV)/.installed-tests  ## the long forms: every crash point, 100 kills, fuzzing, load, long life
	PLATEAU_LONG=1 $(BIN)/python -m pytest tests/faults --timeout 3600
	$(BIN)/python -m tests.faults.points
	$(BIN)/python -m tests.faults.kills --kills 100 --seed 0
	$(BIN)/python -m tests.faults.power
	$(BIN)/python -m tests.faults.fuzz
	$(BIN)/python -m tests.faults.properties
	$(BIN)/python -m benchmarks.sessions
	$(BIN)/python -m benchmarks.long_life

clean:  ## remove what make installed; data and runs stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
