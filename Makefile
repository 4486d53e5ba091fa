# What people and CI run. Variables of the environment and of the command line
# (make run PORT=8001) reach the program as they are; the README has their table.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The lock files name every package there is to install, with its hashes. So nothing is resolved:
# pip 23.2 would ask for the newest release of what is required with an extra, such as
# coverage[toml], and then refuse that release because its version is not pinned. `pip check`
# proves afterwards that nothing is missing.
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check
INSTALL := $(PIP) install --require-hashes --no-deps
UV := $(BIN)/uv pip compile --no-config --quiet --universal --python-version 3.11 \
      --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help run test lint format browser bench lock clean

help:
	@echo "make run     start everything; DEMO=0 without a demo; PORT, ENGINE_PORT, HOST, DATA_DIR"
	@echo "make test    linters, type checks and all tests; CHROMIUM names a browser, BROWSER=skip uses none"
	@echo "make bench   measure the engine beside plain alternatives; Linux, three minutes"
	@echo "make lint    linters and type checks alone"
	@echo "make format  put code and templates into form"
	@echo "make lock    pin what pyproject.toml asks for, with hashes"
	@echo "make clean   remove .venv and caches; the data stays"

run: $(VENV)/runtime
	@DEMO=$${DEMO:-1} exec $(BIN)/python manage.py up --with-parent

# By file, so that what the tests of a file share is started once. Many tests wait for processes, so
# a third worker pays on two cores; Chromium leaves no time to wait.
test: lint browser
	$(BIN)/python -m pytest -q -n 2 tests/unit --cov=rttm.core --cov-fail-under=100
	$(BIN)/python -m pytest -q -n 3 --dist loadfile tests/django tests/contract
ifneq ($(BROWSER),skip)
	$(BIN)/python -m pytest -q -n 2 --dist loadfile tests/browser
endif

# With production's settings, and data that nobody has.
lint: export DATA_DIR := $(CURDIR)/$(VENV)/lint
lint: export ALLOWED_HOSTS := rttm.example.com
lint: export DEBUG := 0
lint: export SECURE_COOKIES := 1
lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djade --check $$(find templates -name '*.html')
	$(BIN)/python -m mypy
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check --deploy --fail-level WARNING

format: $(VENV)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djade $$(find templates -name '*.html')

browser: $(VENV)/dev
ifneq ($(BROWSER),skip)
	@$(BIN)/python tests/browser/chromium.py
endif

bench: $(VENV)/dev
	@$(BIN)/python -m tests.bench

lock: $(VENV)/dev
	$(BIN)/python -m pip install --quiet uv
	$(UV) pyproject.toml -o requirements.txt
	$(UV) pyproject.toml --extra dev -c requirements.txt -o requirements-dev.txt

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*

$(VENV)/runtime: requirements.txt | $(BIN)/python
	@echo "Installing what it needs into $(VENV) (once)."
	@$(INSTALL) --only-binary :all: -r requirements.txt
	@$(PIP) check
	@touch $@

# The development requirements contain those of the runtime.
$(VENV)/dev: requirements-dev.txt requirements.txt | $(BIN)/python
	@echo "Installing what the tests need into $(VENV) (once)."
	@$(INSTALL) -r requirements-dev.txt
	@$(PIP) check
	@touch $(VENV)/runtime $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed. Name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
