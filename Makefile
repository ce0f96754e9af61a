# Everything a contributor does; `make` alone lists it. Needs Python 3.11 or newer, and make.

PY ?= python3
V  := .venv/bin
UV := uv==0.13.9

# Tests, checks and benches depend on the working copy, not on what the shell has exported.
CLEAN_ENV := env -u BROKER_URL -u DEMO -u DEBUG -u BASE_URL -u PORT -u HOST -u ALLOWED_HOSTS \
	-u CSRF_TRUSTED_ORIGINS -u BEHIND_PROXY -u EMAIL_URL -u FROM_EMAIL -u LOG_LEVEL
ON_SQLITE   := $(CLEAN_ENV) -u DATABASE_URL -u SECRET_KEY
ON_POSTGRES := $(CLEAN_ENV) $(V)/python -m config.throwaway_pg

# One file (T=path) runs as it is; the whole suite in parallel (three keep two cores busy, beside a
# server two do), then what starts processes or a browser, two files at a time. What another
# database shows nothing new about runs once, on SQLite's turn (ONCE in tests/conftest.py); races
# for a row run on PostgreSQL's, where several can write, and so does what is heavy and about rows
# (ON_SERVER), at night on both.
ifdef T
PYTEST = $(1) $(V)/python -m pytest $(T)
else
PYTEST = $(1) $(V)/python -m pytest -n $(4) -m "not nightly and not browser and not processes $(2)" \
	&& $(1) $(V)/python -m pytest -n 2 --dist loadfile -m "not nightly and ($(3))"
endif

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help run test test-sqlite test-postgres test-nightly check fix bench chaos drill lock clean

help: ## List what make can do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 18

run: .venv/run.ok ## Start the whole product with a demo organisation (PORT=8000)
	@exec $(V)/python -m config.launch

test: test-sqlite test-postgres ## Run the tests on SQLite, then on PostgreSQL (T=path for some)

test-sqlite: .venv/dev.ok ## Run the tests on SQLite only
	$(call PYTEST,$(ON_SQLITE),and not races and not server,browser or (processes and not races and not server),3)

test-postgres: .venv/dev.ok ## Run the tests on PostgreSQL only (DATABASE_URL, or a throw-away one)
	$(call PYTEST,$(ON_POSTGRES),and not once,processes and not once,2)

test-nightly: .venv/dev.ok ## Run what takes too long for every run, on both databases
	$(ON_SQLITE) $(V)/python -m pytest -m "nightly or server"
	$(ON_POSTGRES) $(V)/python -m pytest -m nightly

check: .venv/dev.ok ## Check format, lint, types, import contracts, locks, settings, migrations
	$(V)/ruff format --check .
	$(V)/ruff check .
	@! grep -nE '[a-z+]+://|^(-i|--(extra-)?index-url|--find-links|--trusted-host)' requirements.lock requirements-dev.lock \
		|| { echo "The locks must not hold addresses; make lock writes them without."; exit 1; }
	$(V)/lint-imports
	$(V)/mypy
	$(ON_SQLITE) $(V)/python manage.py check --fail-level WARNING
	$(ON_SQLITE) $(V)/python manage.py makemigrations --check --dry-run

fix: .venv/dev.ok ## Format, and mend what the linter can mend
	$(V)/ruff format .
	$(V)/ruff check --fix .

bench: .venv/dev.ok ## Measure routing on a throw-away PostgreSQL (ARGS=… for bench_routing)
	@$(CLEAN_ENV) -u DATABASE_URL THROWAWAY_PG_FSYNC=1 $(V)/python -m config.throwaway_pg sh -c \
		'$(V)/python manage.py migrate --noinput -v0 && exec $(V)/python manage.py bench_routing $(ARGS)'

chaos: .venv/dev.ok ## Kill, freeze and cut off the whole product on purpose (ARGS=--only C1,C5 …)
	@$(CLEAN_ENV) -u DATABASE_URL THROWAWAY_PG_FSYNC=1 $(V)/python -m config.throwaway_pg \
		$(V)/python -m tests.chaos $(ARGS)

drill: .venv/run.ok ## Back this installation up, restore it beside, and compare
	@$(V)/python manage.py drill

lock: .venv/uv.ok ## Write both locks anew from pyproject.toml
	$(LOCK) -o requirements.lock
	$(LOCK) --group dev -c requirements.lock -o requirements-dev.lock

clean: ## Remove what tests and tools left (your data in var/ and .venv stay)
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis test-results
	rm -f var/test*.sqlite3*
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

# --- The virtual environment ------------------------------------------------------------
# uv is quicker by far; pip installs the same files, by the same hashes, where uv cannot.
# UV_SYSTEM_CERTS: trust whom the machine trusts.
LOCK = UV_SYSTEM_CERTS=1 $(V)/uv pip compile -q pyproject.toml --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-header

define INSTALL
	@echo "Installing $(1) …"
	@if test -x $(V)/uv \
		&& UV_SYSTEM_CERTS=1 $(V)/uv pip install -q --python $(V)/python --require-hashes -r $(1); then :; \
	else \
		echo "uv cannot install here; pip takes its place (a minute or two) …"; \
		$(V)/python -m pip install -q --disable-pip-version-check --require-hashes -r $(1); \
	fi
endef

.venv/run.ok: requirements.lock .venv/uv.ok
	$(call INSTALL,requirements.lock)
	@touch $@

# Holds all of requirements.lock, so `make run` has nothing left to install.
.venv/dev.ok: requirements-dev.lock requirements.lock .venv/uv.ok
	$(call INSTALL,requirements-dev.lock)
	@touch .venv/run.ok $@

.venv/uv.ok:
	@if ! $(V)/python -m pip --version >/dev/null 2>&1; then \
		for python in $(PY) python3.13 python3.12 python3.11; do \
			if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; \
			python=; \
		done; \
		if test -z "$$python"; then \
			echo "Python 3.11 or newer is needed, and $(PY) is not. Install one, or name it: make PY=/path/to/python3"; \
			exit 1; \
		fi; \
		if ! $$python -c 'import venv, ensurepip' 2>/dev/null; then \
			echo "$$python lacks its venv module. On Debian and Ubuntu: apt-get install python3-venv"; \
			exit 1; \
		fi; \
		echo "Making .venv with $$python …"; \
		$$python -m venv --clear .venv; \
	fi
	@$(V)/python -m pip install -q --disable-pip-version-check $(UV) \
		|| echo "$(UV) could not be installed."
	@touch $@
