# Two commands: `make demo` sets up and shows the whole of twind on a sample life,
# `make test` sets up and passes every check and test but those that take minutes each, which are
# `make test-system`. All can be run again at any time. `make install-user` makes a service of it for
# one person, `make install` for a server: docs/installation.md.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
MAN := build/man/twind.1

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-system check pytest fuzz man bench clean \
	install-user uninstall-user install uninstall

demo: $(READY)
	$(BIN)/twind demo

test: check pytest

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -c "import torch; assert torch.version.cuda is None, 'install the CPU build of torch'"

pytest: $(READY)
	$(BIN)/pytest -q -n 2 --dist loadfile -m "not soak"

test-system: $(READY)
	$(BIN)/pytest -q -m soak --durations=20 tests

# `cp build/man/twind.1 ~/.local/share/man/man1/` installs it for yourself.
man: $(READY)
	@mkdir -p $(dir $(MAN))
	$(BIN)/python -c "from argparse_manpage.cli import main; main()" \
		--module twind.cli.parser --function build --format single-commands-section \
		--prog twind --project-name twind --version "$$($(BIN)/python -m twind --version | cut -d' ' -f2)" \
		--manual-title "twind" --description "a digital twin that proposes your day" \
		--output $(MAN)

# Minutes for each of its targets; `python tests/fuzz/run.py --help` restricts it to some.
MINUTES ?= 3
fuzz: $(READY)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[fuzz]"
	$(BIN)/python tests/fuzz/run.py --minutes $(MINUTES)

bench: $(READY)
	$(BIN)/python benchmarks/run.py

# Any user must be able to run the Python of a system's service.
install: PYTHON = /usr/bin/python3
install-user uninstall-user install uninstall:
	@PYTHON=$(PYTHON) sh systemd/setup.sh $@

# pip's output is long and says nothing when all is well: it is shown when it fails.
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing twind and what it needs into $(VENV) …"
	@$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[test]" > $(VENV)/pip.log 2>&1 \
		|| { cat $(VENV)/pip.log; exit 1; }
	@touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
