# Two commands on a machine with Python 3.11+, git and make: `make demo` and `make test`.

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)

.PHONY: demo test sglang-cpu vscode-rig vscode lint type fmt benchmark clean

demo: $(VENV)/.runtime
	$(BIN)/glmcode demo

test: $(VENV)/.dev
	$(BIN)/pytest -n 2 $(PYTEST)

# The real SGLang server for the tests marked sglang: about 2.5 GB and some minutes, once.
sglang-cpu: $(VENV)/.dev
	$(BIN)/python -m tests.sglang_cpu.install

# A real VS Code and a browser for the tests marked vscode: about half a minute and 450 MB, once; Chromium by apt.
vscode-rig: $(VENV)/.dev
	$(BIN)/python -m tests.vscode.install

# The VS Code extension: needs node 20 and npm; lints, tests and packages it as vscode/dist/glmcode.vsix.
vscode: vscode/dist/glmcode.vsix

vscode/node_modules/.package-lock.json: vscode/package-lock.json
	cd vscode && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

vscode/dist/glmcode.vsix: vscode/node_modules/.package-lock.json vscode/package.json $(wildcard vscode/src/*.ts vscode/test/*.ts)
	cd vscode && npm run --silent lint && npm run --silent test && npm run --silent package

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: $(VENV)/.dev
	$(BIN)/mypy

fmt: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmark: $(VENV)/.dev
	$(BIN)/python -m benchmarks.cold_start
	$(BIN)/python -m benchmarks.step_latency
	$(BIN)/python -m benchmarks.tokens
	$(BIN)/python -m benchmarks.tui

clean:
	rm -rf $(VENV) dist

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("glmcode needs Python 3.11 or newer, this is " + sys.version) if sys.version_info < (3, 11) else None'
ifdef UV
	uv venv --quiet --python $(PYTHON) $(VENV)
else
	$(PYTHON) -m venv $(VENV)
endif

ifdef UV
INSTALL = uv pip install --quiet --python $(BIN)/python
else
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

$(VENV)/.runtime: $(BIN)/python pyproject.toml
	$(INSTALL) -e .
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml
	$(INSTALL) -e '.[dev]'
	@touch $@ $(VENV)/.runtime
