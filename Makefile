# Two commands are enough: `make up` runs Lotok on this machine, `make check` proves it.
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
up check test build reset bench chaos load: export PYTHONPATH :=
# Where a shell or an image forbids it, each of a hundred processes would compile all its imports.
up check test build reset bench chaos load: export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup up check test audit lint build reset

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name text; do printf '%-14s %s\n' "$$name" "$$text"; done

setup: ## build .venv and install the packages (the other targets do it by themselves)
	@sh dev/setup.sh

up: setup ## run everything on this machine: chat simulator, functions, Postgres, Redis (PORT=4000 to choose, AI=1 for pictures by stand-ins)
	@exec $(PYTHON) -m dev up $(if $(PORT),--port $(PORT)) $(if $(AI),--ai)

check: setup ## prove it: ruff, mypy, deno for the simulator's page, pytest
	@sh dev/check.sh

test: setup ## run the tests alone (ARGS="-k jobs" to choose)
	@$(PYTHON) -m pytest $(ARGS)

audit: setup ## look the pinned packages up among known vulnerabilities
	@cmp -s dev/audit.txt .dev/audit/list || { $(PYTHON) -m venv --clear .dev/audit && .dev/audit/bin/pip install --quiet --no-deps -r dev/audit.txt && cp dev/audit.txt .dev/audit/list; }
	@.dev/audit/bin/pip-audit --strict --disable-pip --require-hashes -r requirements.txt -r dev/requirements.txt

lint: setup ## check what GitHub, Docker, Kubernetes, nginx, systemd and a server's shell read
	@cmp -s dev/lint.txt .dev/lint/list || { $(PYTHON) -m venv --clear .dev/lint && .dev/lint/bin/pip install --quiet --no-deps -r dev/lint.txt && cp dev/lint.txt .dev/lint/list; }
	@sh dev/lint.sh

build: setup ## build each function as Vercel does, without an account; check routes, headers and contents, boot them
	@$(PYTHON) -m bench --print bundle

reset: setup ## forget the local data of make up; says what it deletes
	@exec $(PYTHON) -m dev reset

ifneq ($(wildcard bench/__main__.py),)
.PHONY: bench
bench: setup ## measure and write bench/RESULTS.md (ARGS="bundle" to choose)
	@$(PYTHON) -m bench $(ARGS)
endif

ifneq ($(wildcard bench/chaos.py),)
.PHONY: chaos
chaos: setup ## kill workers at random and count what was lost (nothing may be)
	@$(PYTHON) -m bench chaos
endif

ifneq ($(wildcard bench/load.py),)
.PHONY: load
load: setup ## play a crowd at the webhook with Locust; a report and the dashboard in .dev/load (QUICK=1 for a short one)
	@cmp -s bench/loading/requirements.txt .dev/load/list || { mkdir -p .dev/load && $(PYTHON) -m venv --clear .dev/load/venv && .dev/load/venv/bin/pip install --quiet --no-deps -r bench/loading/requirements.txt && cp bench/loading/requirements.txt .dev/load/list; }
	@$(PYTHON) -m bench load
endif
