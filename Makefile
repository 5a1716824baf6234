# `make demo`, `make test` and `make check` need Python 3.11 or later and nothing else.
# Another Python: make PYTHON=python3.13 …

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)
# The oldest openai that may be installed, and the last of openai 2, which run on httpx; the newest runs on httpx2.
OPENAI_OLDEST := openai==2.31.*
OPENAI2 := openai==2.54.*
# What touches the client.
OF_THE_CLIENT := $(wildcard tests/capture tests/client tests/sessions tests/replaying tests/server tests/demo \
	tests/docs/test_exported_names.py tests/test_cassettes.py tests/cli/test_again.py tests/testing/test_page.py)
# What could lack a module, a file that is no module, or an entry point.
OF_THE_WHEEL := $(wildcard tests/demo tests/client/test_drop_in.py tests/test_*.py tests/testing/test_page.py \
	$(patsubst %,tests/docs/test_%.py,examples exported_names) $(patsubst %,tests/view/test_%.py,app serve) \
	tests/mcp/test_process.py tests/store/postgres/test_retention.py \
	$(patsubst %,tests/cli/test_%.py,demo process help completion show list import bundle view))
# Tests start some thousand processes: each would compile all of the sources again.
unexport PYTHONDONTWRITEBYTECODE
# Frameworks of docs/frameworks.md, each in an environment of its own.
FRAMEWORKS := openai-agents pydantic-ai langchain-openai llama-index-llms-openai smolagents instructor dspy autogen
# More for pytest: make test PYTEST="-k redaction -x"
PYTEST ?=
# Many tests wait, for processes, servers and clocks: two for each processor.
WORKERS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1))))
PIP := -m pip --disable-pip-version-check install --quiet

# Receivers of docs/export.md, each in an environment of its own; about a gigabyte each.
RECEIVERS := phoenix mlflow rotel
RECEIVER_phoenix := arize-phoenix
RECEIVER_mlflow := mlflow
RECEIVER_rotel := rotel

.PHONY: help demo test check format reflect bench openai2-test openai-oldest-test frameworks receivers wheel wheel-test clean

help:
	@echo "make demo                play a recorded agent through the real client; no key, no network"
	@echo "make test                the test suite"
	@echo "make check               ruff, mypy, pyright, import-linter"
	@echo "make format              let ruff put files in order"
	@echo "make reflect             do sessions go better with what earlier ones taught? docs/reflection.md"
	@echo "make bench               how much recording costs, as ratios"
	@echo "make openai2-test        what touches the client, on $(OPENAI2)"
	@echo "make openai-oldest-test  the same on $(OPENAI_OLDEST)"
	@echo "make frameworks          the programs of docs/frameworks.md, each with the framework that it is of"
	@echo "make receivers           what Phoenix, mlflow and a collector show of exported sessions; installs them first"
	@echo "make wheel-test          the suite against the built wheel"
	@echo "make clean               take away what these made"

demo: .venv/.installed
	.venv/bin/tfclient demo

test: .venv/.installed
	.venv/bin/python -m pytest -n $(WORKERS) $(PYTEST)

check: .venv/.installed
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/pyright --pythonpath .venv/bin/python
	.venv/bin/lint-imports

format: .venv/.installed
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

reflect: .venv/.installed
	.venv/bin/python -m tests.reflect.proof

bench: .venv/.installed
	.venv/bin/python -m tests.bench

# The last of openai 2 is asked what a client sends and gets; the oldest all else, sockets too.
openai2-test: OF := $(filter-out tests/sessions tests/replaying tests/demo tests/testing/% tests/cli/%,$(OF_THE_CLIENT)) \
	--ignore tests/client/test_forks.py --ignore tests/capture/sockets
openai-oldest-test: OF := $(filter-out tests/server tests/demo tests/replaying,$(OF_THE_CLIENT)) \
	tests/replaying/test_sockets.py tests/replaying/test_playback.py
openai2-test openai-oldest-test: %-test: .venv-%/.installed
	.venv-$*/bin/python -m pytest -n $(WORKERS) $(PYTEST) $(OF) --ignore tests/client/test_prefork.py

frameworks: $(FRAMEWORKS:%=.venv-frameworks/%/.installed)
	@for each in $(FRAMEWORKS); do \
		echo "== $$each"; .venv-frameworks/$$each/bin/python -m pytest -q tests/frameworks $(PYTEST) || exit 1; \
	done

receivers: .venv/.installed $(RECEIVERS:%=.venv-receivers/%/.installed)
	TFCLIENT_RECEIVERS=.venv-receivers .venv/bin/python -m pytest -s tests/receivers $(PYTEST)

.venv-receivers/%/.installed:
	$(installed)
	$(@D)/bin/python $(PIP) $(RECEIVER_$*)
	@touch $@

# The tests run in a folder without the sources, so that only the wheel can be imported: those that can tell it from
# a checkout.
wheel-test: .venv-wheel/.installed
	rm -rf build/wheel-test
	mkdir -p build/wheel-test/checkout
	git ls-files -z -- tests cassettes docs '*.md' pyproject.toml \
		| tar -c --null -T - | tar -x -C build/wheel-test/checkout
	cd build/wheel-test/checkout && ../../../.venv-wheel/bin/python -m pytest -n $(WORKERS) $(PYTEST) \
		$(OF_THE_WHEEL) --ignore tests/view/test_browser.py

wheel: dist/.built

define installed
	@test -n "$(PYTHON)" || { echo "tfclient needs Python 3.11 or later; name one: make PYTHON=/path/to/python" >&2; exit 1; }
	test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(@D)/bin/python $(PIP) --upgrade pip
endef

.venv/.installed: pyproject.toml
	$(installed)
	$(@D)/bin/python $(PIP) --editable '.[d2]' --group dev
	@touch $@

.venv-openai2/.installed: OPENAI := $(OPENAI2)
.venv-openai-oldest/.installed: OPENAI := $(OPENAI_OLDEST)
.venv-openai2/.installed .venv-openai-oldest/.installed: pyproject.toml
	$(installed)
	$(@D)/bin/python $(PIP) --editable '.[d2]' --group dev '$(OPENAI)'
	@touch $@

.venv-frameworks/pydantic-ai/.installed: NEEDED := 'pydantic-ai-slim[openai]' opentelemetry-sdk
.venv-frameworks/smolagents/.installed: NEEDED := 'smolagents[openai]'
.venv-frameworks/autogen/.installed: NEEDED := autogen-agentchat 'autogen-ext[openai]'
.venv-frameworks/%/.installed: NEEDED = $*
.venv-frameworks/%/.installed: pyproject.toml
	$(installed)
	$(@D)/bin/python $(PIP) --editable . pytest pytest-timeout hypothesis $(NEEDED)
	@touch $@

.venv-wheel/.installed: dist/.built
	$(installed)
	$(@D)/bin/python $(PIP) --group dev "$$(ls dist/*.whl)[d2]"
	$(@D)/bin/python $(PIP) --force-reinstall --no-deps dist/*.whl
	@touch $@

dist/.built: .venv/.installed $(shell find tfclient store d2 cassettes wheel -type f -not -name '*.pyc')
	rm -rf dist
	.venv/bin/python -m build --wheel --outdir dist . > /dev/null
	@touch $@

clean:
	rm -rf .venv .venv-frameworks .venv-receivers .venv-openai2 .venv-openai-oldest .venv-wheel dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
