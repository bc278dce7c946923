# Everything runs in $(VENV), which is made on demand from the locked requirements/*.txt.
# `make help` lists the targets.

VENV ?= .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
UV_VERSION := 0.13.9

# What pytest is given by `make test` and `make test-all`, for example PYTEST_ARGS="-k bitmap -x".
# More workers than that take more descriptors than every user has.
PYTEST_ARGS ?= -n auto --maxprocesses 32 --dist loadgroup

MINUTES ?= 5
FUZZ_TIMES ?= 20
TIMES ?= 2000
EVERY ?= 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: changes conformance faults help demo judges test-trixie test-user fuzz fuzz-properties test test-all lint format docs bench generate conformance-results nightly lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: $(VENV)/.runtime ## build an image of a real tree and get one directory back
	@$(PY) tools/demo.py

test: $(VENV)/.dev judges ## run the tests (without the slow ones)
	$(PY) -m pytest $(PYTEST_ARGS)

test-all: $(VENV)/.dev judges ## run all tests, the slow ones too
	$(PY) -m pytest -m "" $(PYTEST_ARGS)

# In seconds, once, without root; tests that would need them are skipped where this fails.
judges: ## bring dump and restore of three Debian suites, which judge in the tests
	@for suite in bookworm trixie sid; do tools/newer-dump $$suite || true; done

test-trixie: ## as root: the demonstration and all tests on Debian 13, in a chroot
	tools/other-debian.sh trixie all

test-user: ## as root: all tests as an ordinary user
	tools/as-user.sh test

lint: $(VENV)/.dev ## ruff (rules and formatting) and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev ## let ruff format the code and fix what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# -E: nothing kept from the last run, or a warning would be shown once and then forgotten.
docs: $(VENV)/.dev ## build the docs and the specification into build/docs
	$(BIN)/sphinx-build -E -b html -W -n --keep-going -q -d build/doctrees docs build/docs
	@echo "docs: open build/docs/index.html"

conformance: $(VENV)/.dev ## check the vectors; print what of rules, requirements and layouts they cover
	$(PY) tools/vectors.py
	$(PY) -m pytest -q reference/tests/test_vectors.py $(PYTEST_ARGS)
	@PYTHONPATH=reference/tests $(PY) -m support.scores
	@PYTHONPATH=reference/tests $(PY) -m support.kills
	@PYTHONPATH=reference/tests $(PY) -m support.traces

bench: $(VENV)/.dev ## measure against tar, dump and restore; prints, asserts nothing
	$(PY) reference/benchmarks/run.py $(BENCH_ARGS)

fuzz: $(VENV)/.fuzz ## fuzz everything that reads images (MINUTES=5 altogether)
	nice $(PY) -m fuzz --minutes $(MINUTES)

fuzz-properties: $(VENV)/.dev ## try the properties of fuzz/ often (FUZZ_TIMES=20)
	FUZZ_TIMES=$(FUZZ_TIMES) $(PY) -m pytest fuzz/properties $(PYTEST_ARGS)

changes: $(VENV)/.dev ## change an image at random and see that all notice (TIMES=2000)
	PYTHONPATH=reference/tests $(PY) -m support.changes --times $(TIMES) --seed "$$(date +%s)"

faults: $(VENV)/.dev ## let each system call that changes something fail, or be the last (EVERY=1)
	PYTHONPATH=reference/tests $(PY) -m support.each_call --every $(EVERY)

generate: $(VENV)/.dev ## make what is generated from ksy/ and spec/ again (needs node and npm)
	PATH="$(abspath $(BIN)):$$PATH" tools/generate.sh

conformance-results: $(VENV)/.dev ## run the suite on its adapters and write docs/conformance/results.inc
	$(PY) tools/conformance_results.py

nightly: TIMES = 100000
nightly: lint docs test-all test-user test-trixie fuzz-properties fuzz changes faults bench ## what runs at night

# uv lives in an environment of its own: it is needed for this and nothing else.
lock: ## resolve requirements/*.txt again (UPGRADE=--upgrade takes newer versions)
	tools/lock.sh $(VENV)-lock $(UV_VERSION) $(UPGRADE)

clean: ## remove everything that was made here
	rm -rf build dist $(VENV) $(VENV)-lock .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The three stamps: an environment, what `make demo` needs, what developing needs.
$(VENV)/bin/python:
	@python=$$(tools/find-python.sh) && echo "making $(VENV) with $$python" && \
	  $$python -m venv --clear $(VENV)

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing requirements/runtime.txt into $(VENV)"
	@$(PIP) install --require-hashes -r requirements/runtime.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@echo "installing requirements/dev.txt into $(VENV)"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

# Where there is no wheel of atheris, fuzzing goes on without it and says so.
$(VENV)/.fuzz: requirements/fuzz.txt $(VENV)/.dev
	@echo "installing requirements/fuzz.txt into $(VENV)"
	@$(PIP) install --require-hashes --only-binary :all: -r requirements/fuzz.txt || \
	  echo "make: no atheris for this Python: fuzzing will be at random, not guided by coverage"
	@touch $@
