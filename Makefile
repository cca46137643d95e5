# make book | test | serve | bench | lint | links | clean-notebooks | clean
# Each target first makes .venv and installs what is missing; nothing needs root.

PYTHON ?= python3
BIN := .venv/bin
NPM := $(shell command -v npm)

.PHONY: book test serve bench lint links clean-notebooks clean

book: .venv/installed $(if $(NPM),node_modules/installed)
	$(BIN)/jupyter-book build . -W --keep-going
	@echo "Open _build/html/index.html, or run: make serve"

test: .venv/installed $(if $(NPM),node_modules/installed)
	$(BIN)/python -m pytest --nbmake $(PYTEST_ARGS)

serve: book
	@echo "http://127.0.0.1:8000/"
	@$(BIN)/python -m http.server --directory _build/html --bind 127.0.0.1 8000

bench: book
	$(BIN)/python -m pip install --quiet --requirement benchmarks/requirements.txt
	for script in vae_epoch "vae_likelihood --epochs 20 66" vae_pythae flows pages "book --tests"; \
	do set -- $$script; name=$$1; shift; \
	   $(BIN)/python benchmarks/$$name.py "$$@" --write || exit 1; done

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

links:  # every address that the book names, and where; looks nothing up
	@$(PYTHON) tools/list_links.py

clean-notebooks: .venv/installed
	$(BIN)/python tools/clean_notebooks.py

clean:
	rm -rf _build

.venv/installed: requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	touch $@

node_modules/installed: package.json package-lock.json
	npm ci --ignore-scripts
	touch $@
