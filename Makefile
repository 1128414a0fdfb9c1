# What a person with Python 3.11+, git and make needs: `make chat` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: chat test lint lock docs pictures eval mutate bench clean

chat: .venv/ready
	@$(BIN)/waymark chat

test: .venv/ready-dev
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/ready-dev
	$(BIN)/python -c "from flows.diagram import page; print(page(), end='')" > docs/conversation.md
	$(BIN)/python -c "from flows.life_page import page; print(page(), end='')" > docs/sessions.md
	$(BIN)/python -m tests.transcripts

# A look at what right-to-left becomes on a screen; wants Chromium and fonts of each script.
pictures: .venv/ready-dev
	$(BIN)/python -m tests.transcripts pictures

# Scores of the summaries of twenty sessions: of the built-in writer, and of the model that OPENAI_BASE_URL names.
eval: .venv/ready-dev
	$(BIN)/python -m bench.evals

# The consent and booking decisions: which changes of them no test would notice. Takes an hour or more.
mutate: .venv/ready-dev
	bash bench/mutate.sh consent flows/consent.py tests/flows/test_consent.py
	bash bench/mutate.sh consents flows/consents.py,flows/consent_ends.py,flows/consent_times.py tests/flows/test_consents.py tests/flows/test_consent.py
	bash bench/mutate.sh bookings flows/bookings.py,flows/life.py tests/flows/test_bookings.py tests/flows/test_life.py tests/flows/test_consents.py

bench: .venv/ready-dev
	$(BIN)/python -m bench

# Both locks name every package with its hashes and no host.
lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra install pyproject.toml -o requirements.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Waymark needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 chat") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv .venv

# The product is installed in place, from the checkout; the lock brings the build tool too.
.venv/ready: requirements.txt pyproject.toml | .venv/bin/python
	@echo "Installing Waymark into .venv (once; about a minute) ..."
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/ready-dev: requirements-dev.txt .venv/ready
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

clean:
	rm -rf .venv
