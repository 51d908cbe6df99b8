# Two commands for a bare machine with Python 3.11: `make rehearse` and `make test`.
PYTHON ?= python3.11
VENV ?= .venv
BIN = $(VENV)/bin
# That of the environment which has the observatory's middleware.
OBSERVATORY_PYTHON ?= python
# The first of rehearsal, rehearsal-2, rehearsal-3, ... that is free: records of earlier rehearsals are kept.
REHEARSAL ?= $(shell n=1; d=rehearsal; while [ -e $$d ] || [ -e $$d-scratch ]; do \
    n=$$((n + 1)); d=rehearsal-$$n; done; echo $$d)

# Dozens of processes import the package, which containers often are told to compile anew each time.
export PYTHONDONTWRITEBYTECODE =

.PHONY: rehearse test quick test-observatory wheel soak bench coverage lint style doc clean

# What a rehearsal needs, and not what the tests need besides. pip shows what it downloads and installs.
$(VENV)/.rehearsing: pyproject.toml
	@echo "Installing what a rehearsal needs into $(VENV); the first time this takes some minutes."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --editable ".[summit]"
	touch $@

$(VENV)/.installed: pyproject.toml
	@echo "Installing what the tests need into $(VENV); the first time this takes some minutes."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --editable ".[test]"
	touch $@ $(VENV)/.rehearsing

rehearse: $(VENV)/.rehearsing
	$(BIN)/calibscripts rehearse auxtel/make_latiss_calibrations.py --config doc/examples/rehearse.yaml --repo $(REHEARSAL)

# Types, docstrings, the imports between the rooms, and the numbers of the house.
CHECKS = $(BIN)/mypy && $(BIN)/numpydoc lint $$(find python -name '*.py') && $(BIN)/lint-imports --no-cache && \
    PYTHONPATH=tests $(BIN)/python -m trade

lint: style
	$(CHECKS)

style: $(VENV)/.installed
	$(BIN)/ruff check python tests
	$(BIN)/ruff format --check python tests

# The other checks go on beside the tests, and what they find stands below them.
test: style
	@($(CHECKS)) >$(VENV)/checks.log 2>&1 & checks=$$!; trap "kill $$checks" INT TERM; \
	$(BIN)/pytest -n auto; tests=$$?; \
	wait $$checks; checks=$$?; echo "Types, docstrings, imports and sizes, which were checked meanwhile:"; \
	cat $(VENV)/checks.log; echo "Exit codes: $$tests of the tests, $$checks of these checks."; \
	exit $$((tests || checks))

# For the work in between, under a minute: what needs no process, no repository on disk and no pixels, and only a few
# examples where they are drawn.
quick: $(VENV)/.installed
	$(BIN)/pytest -n auto --quick -q tests

# The tests that are for both middlewares, on the observatory's: in an environment that has it, with a broker as salobj's
# own tests need it (LSST_KAFKA_BROKER_ADDR, LSST_SCHEMA_REGISTRY_URL). Where something is missing it says what.
test-observatory:
	CALIBSCRIPTS_SAL=salobj $(OBSERVATORY_PYTHON) -m pytest -p no:cacheprovider -n auto -m observatory tests

# Wheel and source distribution in dist/, and a rehearsal from the wheel alone: an empty environment, away from the tree.
wheel: $(VENV)/.installed
	rm -rf build dist $(VENV)/wheel
	$(BIN)/pip install --quiet build
	$(BIN)/python -m build --outdir dist .
	$(PYTHON) -m venv $(VENV)/wheel
	$(VENV)/wheel/bin/pip install --quiet "$$(ls dist/*.whl)[summit]"
	$(VENV)/wheel/bin/pip check
	cp doc/examples/rehearse.yaml $(VENV)/wheel/
	cd $(VENV)/wheel && bin/calibscripts rehearse auxtel/make_latiss_calibrations.py --config rehearse.yaml --repo rehearsal

# Ten thousand whole runs with random disturbances, other ones each time (`make test` makes some 300); and 200 honest
# repeats of calibrations, of which the comparison with those before may take none for another. Without pytest's log,
# which grows to gigabytes.
soak: $(VENV)/.installed
	CALIBSCRIPTS_SOAK=1 $(BIN)/pytest -p no:logging tests/test_whole_runs.py tests/test_plan_graphs.py tests/test_differences.py

# Lines and branches that no test reaches, by module; the simulated summit is one number at the end.
coverage: $(VENV)/.installed
	$(BIN)/pytest -n auto --cov --cov-report=
	$(BIN)/coverage report --omit='*/summit/*'
	@echo "The simulated summit: $$($(BIN)/coverage report --include='*/summit/*' --format=total) %"

# Writes the tables of doc/benchmarks.rst; takes about half an hour on two cores.
bench: $(VENV)/.installed
	PYTHONPATH=tests $(BIN)/python -m bench doc/benchmarks.inc

# The manual as HTML in doc/_build/html; warnings are errors.
$(VENV)/.documented: $(VENV)/.installed
	$(BIN)/pip install --quiet --editable ".[doc]"
	touch $@

doc: $(VENV)/.documented
	rm -rf doc/api
	$(BIN)/sphinx-build -E -W --keep-going -b html doc doc/_build/html

# Rehearsals stay: their records cannot be made again.
clean:
	rm -rf $(VENV) build dist python/*.egg-info doc/_build doc/api tests/love/node_modules
	rm -rf .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache tests/.mypy_cache
	find python tests doc -name __pycache__ -prune -exec rm -rf {} +
