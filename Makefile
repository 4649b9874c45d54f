# Two commands: `make app` and `make test`. Both install what they need on first use.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: app setup test lint types unit pages browser clean

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

test: lint types unit pages browser  ## everything that must hold

lint: $(VENV)/.installed-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-tests
	$(BIN)/mypy

unit: $(VENV)/.installed-tests
	$(BIN)/python -m pytest tests/unit

pages: $(VENV)/.installed-tests
	$(BIN)/python -m pytest tests/pages

browser: $(VENV)/.installed-tests
	$(BIN)/python -m tests.browser.chromium
	$(BIN)/python -m pytest tests/browser

clean:  ## remove what make installed; data and runs stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
