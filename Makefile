# Reda: `make run` and `make test` do everything on a fresh machine; `make help` tells the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
.PHONY: help run month test coverage check bench translations shell reset screenshots lock setup setup-test

help: ## Say what each command does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: ## Install what `make run` needs, only what is missing
	@PYTHON=$(PYTHON) bash tools/setup.sh run

setup-test: ## Install what `make test` needs, only what is missing
	@PYTHON=$(PYTHON) bash tools/setup.sh test

run: setup ## Start everything: database, simulators, worker, web; Ctrl-C ends it
	@exec $(BIN)/python -m tools.run

month: setup ## As `make run`, and let the demo live a month in a minute
	@exec $(BIN)/python -m tools.run --month

reset: ## Forget all demo data; the next `make run` starts over
	@$(BIN)/python -m tools.reset

test: check ## Check the code, then run every test
	@$(BIN)/python -m tools.run_tests

coverage: setup-test ## Run every test, and tell which lines of the portal none of them reaches
	@$(BIN)/python -m tools.run_tests --cov=portal --cov-report=term:skip-covered

check: setup-test ## Lint, types, architecture, templates, translations
	@$(BIN)/python -m tools.check

translations: setup-test ## Gather new texts into the catalogues, and tell what lacks a translation
	@$(BIN)/python -m tools.translations update

screenshots: setup-test ## Take the README's pictures of a running demo
	@$(BIN)/python -m tools.screenshots

bench: setup ## Print the figures that issues ask for, each beside its baseline
	@for one in benchmarks/*.py; do echo "== $$one"; PYTHONPATH=. $(BIN)/python $$one || exit 1; done

shell: setup ## A Python prompt with the application's context
	@$(BIN)/flask --app wsgi shell

lock: setup-test ## Write the hash-pinned requirements again from the .in files
	@for one in requirements requirements-dev; do \
		$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header $$one.in -o $$one.txt; done
