# The front door of the study. Needs Python 3.11-3.13 and nothing else.
#   make study [PROFILE=smoke|sample|cpu|full] [DATA=folder] [CORES=n] [PYTHON=python3.12]

PYTHON ?= python3
PROFILE ?= sample
CORES ?= all
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help study test book archive lab bench faults clean

# An absolute COLORNB_DATA, since notebooks and tools run in several folders.
ifdef DATA
ifneq ($(shell test -d "$(DATA)" && echo yes),yes)
$(error DATA=$(DATA) is not a folder: name the folder that holds the data sets, or leave DATA out)
endif
export COLORNB_DATA := $(shell cd "$(DATA)" && pwd)
endif

help:
	@echo "make study   set up, run the whole study, build its book (PROFILE=$(PROFILE) DATA=folder CORES=$(CORES))"
	@echo "make test    set up and run the tests"
	@echo "make book    build the published book from book/, without training"
	@echo "make archive the same as one file with its checksum, to be passed on"
	@echo "make bench   measure the speed, 20 to 40 minutes (DATA=folder)"
	@echo "make faults  provoke everything of the page on what can go wrong, about 40 minutes"
	@echo "make lab     open the notebooks in JupyterLab"
	@echo "make clean   remove what was built; finished runs stay"
	@echo "PYTHON=python3.12 names the Python to set up with (now $(PYTHON))"

study: .venv/.study
	@$(BIN)/python -m colornb.runner study "$(PROFILE)" "$(CORES)"
	@echo "The book: $(CURDIR)/runs/$(PROFILE)/book/_build/html/index.html"

test: .venv/.study-test-lab
	@$(BIN)/python -m pytest --numprocesses=logical --maxprocesses=4 --dist=loadfile \
		--no-loadscope-reorder

book: .venv/.study
	@$(BIN)/python -m colornb.book
	@echo "The book: $(CURDIR)/book/_build/html/index.html"

archive: book
	@$(BIN)/python -m colornb.downloads
	@echo "Packed: $(CURDIR)/book/_build/colornb-book.zip, with its checksum in colornb-book.zip.sha256"

bench: .venv/.study-bench
	@$(BIN)/python -m colornb.runner bench

faults: .venv/.study-test
	@PYTHONPATH=tests $(BIN)/python -m pytest -p fault_matrix -m fault

# Loopback only; room for an upload of 200 MB; root, as in a container, has to be allowed.
lab: .venv/.study-lab
	@$(BIN)/jupyter lab --ip=127.0.0.1 --LabApp.default_url=/lab/tree/notebooks \
		--ServerApp.tornado_settings='{"websocket_max_message_size": 200000000}' \
		$(if $(filter 0,$(shell id -u)),--allow-root)

clean:
	rm -rf book/_build .pytest_cache .hypothesis build *.egg-info
	find colornb tests notebooks -name __pycache__ -prune -exec rm -rf {} +
	@echo "Kept: runs/ (finished training) and .venv; to remove them as well: rm -r runs .snakemake .venv"

# The name of the stamp holds the extras: .study-test installs '.[study,test]'.
.venv/.%: pyproject.toml requirements.lock | .venv/bin/pip
	@echo "Installing the packages of requirements.lock into .venv (several GB, some minutes)."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check \
		-c requirements.lock -e '.[$(subst -,$(comma),$*)]'
	@touch $@

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
		echo "$(PYTHON) is not Python 3.11, 3.12 or 3.13: name one that is, as in make PYTHON=python3.12."; \
		exit 1; }
	@$(PYTHON) -m venv .venv

comma := ,
