# make book | pdf | check | test | serve | bench | lint | links | clean-notebooks | clean
# make book PAGE=vae/elbo runs one chapter, in its place in the book, and opens it.
# Each target first makes .venv and installs what is missing; nothing needs root.

PYTHON ?= python3
BIN := .venv/bin
NPM := $(shell command -v npm)

.PHONY: book pdf check test serve bench lint links clean-notebooks clean

# Each side by side as far as the machine carries: notebooks by book/_ext/notebook_run.py, tests
# by pytest-xdist, a page's tests in one worker.
book: .venv/installed $(if $(NPM),node_modules/installed)
	DGM_PAGE="$(PAGE)" $(BIN)/jupyter-book build . -W --keep-going
	@$(if $(PAGE),$(BIN)/python tools/open_page.py $(firstword $(PAGE)),\
	  echo "Open _build/html/index.html, or run: make serve")

pdf: book  # the pages as one PDF, which the title page then offers; needs Chromium
	$(BIN)/python tools/make_pdf.py

check: lint  # what needs neither a notebook nor a browser
	$(BIN)/python -m pytest -m "not browser and not book" -n auto --maxprocesses 4 tests

# A notebook that fails is for its own test to report: the build before goes on without it.
test: .venv/installed $(if $(NPM),node_modules/installed)
	-$(BIN)/jupyter-book build . -W --keep-going
	$(BIN)/python -m pytest --nbmake -n auto --maxprocesses 4 $(PYTEST_ARGS)

serve: book
	@echo "http://127.0.0.1:8000/"
	@$(BIN)/python -m http.server --directory _build/html --bind 127.0.0.1 8000

bench: book
	$(BIN)/python -m pip install --quiet --requirement benchmarks/requirements.txt
	for script in book vae_epoch "vae_likelihood --epochs 20 66" vae_pythae flows velocity diffusion pages; \
	do set -- $$script; name=$$1; shift; \
	   $(BIN)/python benchmarks/$$name.py "$$@" --write || exit 1; done

lint: .venv/installed $(if $(NPM),node_modules/installed)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(if $(NPM),npm run --silent lint,@echo "No npm: the scripts are neither linted nor typed.")

# Sphinx writes its report among the pages, which are to be published without it.
links: book  # asks for every address outside; needs the network
	-$(BIN)/jupyter-book build . --builder linkcheck
	rm _build/html/output.json
	mv _build/html/output.txt _build/links.txt
	@echo "What is broken or has moved: _build/links.txt"

clean-notebooks: .venv/installed
	$(BIN)/python tools/clean_notebooks.py

clean:
	rm -rf _build

.venv/installed: requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing what is missing, without a word: the first time that takes minutes."
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	touch $@

node_modules/installed: package.json package-lock.json
	npm ci --ignore-scripts
	touch $@
