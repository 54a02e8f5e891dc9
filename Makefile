# Two commands for newcomers: `make demo` and `make test`.
# Each sets up its own virtual environment in .venv first; Python 3.11+ is all it needs.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= demo
CAMUS ?= $(CARDIUM_DATA)/camus/database_nifti
PTB_XL ?= $(CARDIUM_DATA)/ptb_xl
MIT_BIH ?= $(CARDIUM_DATA)/mit_bih

.PHONY: demo test lint docs benchmark smoke clean

demo: $(VENV)/.demo
	$(BIN)/cardium demo -o $(OUT)

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python docs/validate.py

docs: $(VENV)/.dev
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

smoke: $(VENV)/.dev
	test -f $(OUT)-smoke/phantom/croissant.json || $(BIN)/cardium phantom \
		$(OUT)-smoke/phantom --exams 5 --preset bench --modes benchmark
	$(BIN)/cardium bench run echoxflow-smoke --root $(OUT)-smoke/phantom \
		-o $(OUT)-smoke/bench --jobs 2
	$(BIN)/cardium bench report echoxflow-smoke -o $(OUT)-smoke/bench

benchmark: $(VENV)/.dev
	$(BIN)/python benchmarks/items.py
	$(BIN)/python benchmarks/training_step.py
	$(BIN)/python benchmarks/scan_conversion.py
	$(BIN)/python benchmarks/volume_conversion.py
	$(BIN)/python benchmarks/masks.py
	$(BIN)/python benchmarks/catalogue.py
	$(BIN)/python benchmarks/rendering.py
	$(BIN)/python benchmarks/ecg_metrics.py
	$(BIN)/python benchmarks/ecg_networks.py
	$(BIN)/python benchmarks/start_up.py
	@if test -d "$(CAMUS)"; then $(BIN)/python benchmarks/realism.py "$(CAMUS)"; \
	else echo "benchmarks/realism.py: skipped; name the patients of CAMUS: make benchmark CAMUS=DIR"; fi
	@if test -d "$(PTB_XL)"; then $(BIN)/python benchmarks/signal_packs.py "$(PTB_XL)"; \
	else echo "benchmarks/signal_packs.py: skipped; name PTB-XL: make benchmark PTB_XL=DIR"; fi
	@if test -d "$(MIT_BIH)"; then $(BIN)/python benchmarks/r_peaks.py "$(MIT_BIH)"; \
	else echo "benchmarks/r_peaks.py: skipped; name MIT-BIH: make benchmark MIT_BIH=DIR"; fi

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "cardium needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version)." >&2; \
		echo "Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[torch,plot]"
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) build dist docs/_build docs/gallery docs/datasets docs/api/generated
