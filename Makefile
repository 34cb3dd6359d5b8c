# The project's commands; `make help` lists them. Also works with the make of macOS (GNU make 3.81).
#
# PYTHON  the interpreter to start with (any python3; a supported version is searched for)
# NAME    one of benchmarks/
# ARGS    arguments to pass on: make demo ARGS="--exit --json", make test ARGS="tests/unit -k ledger"

PYTHON ?= $(shell command -v python3 || command -v python3.13 || command -v python3.12 || command -v python3.11 || echo python3)
BIN := .venv/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench chaos screenshots lock clean setup-demo setup-test

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -e 's/:.*## /|/' | awk -F'|' '{printf "make %-12s %s\n", $$1, $$2}'

setup-demo:
	@$(PYTHON) -m scripts.setup demo

setup-test:
	@$(PYTHON) -m scripts.setup test

demo: setup-demo ## generate a sample catalog, ingest it and search it
	@$(BIN)/vitrine demo $(ARGS)

test: lint ## check everything and run the tests
	@$(BIN)/python -m scripts.browser
	@$(BIN)/python -m scripts.test_tools
	$(BIN)/python -m pytest --numprocesses=3 --dist=loadfile --no-loadscope-reorder $(ARGS)

lint: setup-test ## check style, types, import layers and wording
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m scripts.wording

format: setup-test ## fix and format the code
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

bench: setup-test ## run all benchmarks, or one (make bench NAME=fetch), and update docs/performance.md
	@$(BIN)/python -m benchmarks.performance $(NAME) -- $(ARGS)

chaos: setup-test ## inject every fault over a long run, and check the counts (docs/reliability.md)
	$(BIN)/python -m tests.faults.chaos --write $(ARGS)

screenshots: setup-test ## retake the screenshots of the page in docs/, with Chromium
	@$(BIN)/python -m scripts.browser
	@$(BIN)/python -m scripts.screenshots $(ARGS)

lock: ## pin the newest versions that pyproject.toml allows
	@$(PYTHON) -m scripts.lock $(PYTHONS)

clean: ## remove the environment and all caches (but not vitrine standalone's data)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
