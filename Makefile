# Two commands do everything on a fresh machine: `make demo` and `make test`.
# Needed: Python >= 3.11, git and make. Everything else goes into .venv, pinned by hash.

PYTHON ?= python3
CORES ?= all
BIN := .venv/bin
READY := .venv/.ready
LOWEST := .venv-lowest/.ready
NETWORKS := .venv-networks/.ready
NAME ?= demo
CONFIG := $(if $(filter-out paper,$(NAME)),--configfile config/$(NAME).yaml)
REPORT := results/$(NAME)/report.html
RUN := $(BIN)/l2rw run --cores $(CORES) $(ARGS)

# Byte code of the installed packages is worth keeping: it halves the start of every job.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo mnist paper report test test-lowest test-long test-networks networks test-slurm fuzz check format doctor status bench gpu-check lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(READY) ## Everything in miniature, on a laptop, in minutes
	@$(RUN) config/demo.yaml

mnist: $(READY) ## Figure 2 and the theory on MNIST, at full scale
	@$(RUN) config/mnist.yaml

paper: $(READY) ## The whole paper, at full scale (ARGS=--yes if it takes more than 72 hours)
	@$(RUN) config/config.yaml

report: $(REPORT) ## Snakemake's report of finished results (NAME=demo, mnist, paper, …)
	@echo "The report is $(REPORT)."

# Two steps, because the files that the report holds are looked up when this file is read.
$(REPORT): $(wildcard results/$(NAME)/figures/*.json results/$(NAME)/tables/*.json) \
		$(wildcard results/$(NAME)/claims.json) | $(READY)
	@$(BIN)/snakemake $(CONFIG) --report $@ --quiet all

test: $(READY) check ## Run the tests and all checks
	$(BIN)/pytest -n auto --dist loadfile -m "not slow and not long and not networks and not slurm"

test-long: $(READY) ## Run what takes long: whole workflows, thousands of made-up cases, kills
	$(BIN)/pytest -n auto --dist loadfile -m "(slow or long) and not networks and not slurm"

test-networks: $(NETWORKS) ## Run what needs networks and trainers of other libraries
	PYTHONPATH=$(CURDIR)/src $(NETWORKS:.ready=bin/python) -m pytest tests/networks tests/test_examples.py

networks: $(NETWORKS) ## Write docs/networks.md: networks of other libraries, compared and timed
	PYTHONPATH=$(CURDIR)/src $(NETWORKS:.ready=bin/python) -m tests.networks.table

test-lowest: $(LOWEST) ## Run what trains, and its tests, on the lowest PyTorch that is admitted
	PYTHONPATH=$(CURDIR)/src $(LOWEST:.ready=bin/python) -m pytest -n auto --dist loadfile \
		tests/core tests/methods tests/models tests/training

test-slurm: $(READY) ## Run the workflow on a Slurm of its own, as root: see docs/cluster.md
	$(BIN)/pytest tests/slurm

fuzz: $(READY) ## Try thousands of made-up cases, others each time
	$(BIN)/pytest -n auto tests/fuzz --hypothesis-profile fuzz

check: $(READY) ## Lint, format and type checks
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

format: $(READY) ## Format all code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/snakefmt Snakefile workflow

doctor: $(READY) ## Show versions, device and which data sets are present
	@$(BIN)/l2rw doctor

status: $(READY) ## Show the training jobs that run now, and when they will be done
	@$(BIN)/l2rw status

bench: $(READY) ## Time a training step by every way of weighting (BENCH="--model lenet")
	@$(BIN)/l2rw bench $(BENCH)

# With whatever Python there is: a machine lent for minutes has PyTorch, but no time to install.
gpu-check: ## Check and time everything on a GPU, in 5 minutes (ARGS="--out checked.md", "--small")
	@PYTHONPATH=src $(PYTHON) -u -m l2rw gpu-check $(ARGS)

COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 \
	--generate-hashes --no-header --upgrade --quiet

# Without `networks` and `peers`, whose libraries are only compared with.
PINNED := pipeline slurm s3 parquet dev

lock: $(READY) ## Pin the newest versions that pyproject.toml allows
	$(COMPILE) pyproject.toml $(PINNED:%=--extra %) --output-file requirements.lock
	$(COMPILE) requirements-lowest.in --output-file requirements-lowest.lock

clean: ## Remove everything that can be made again, results and data excepted
	rm -rf .venv .venv-lowest .venv-networks .snakemake logs .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(READY): requirements.lock requirements-uv.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-uv.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(LOWEST): requirements-lowest.lock | $(READY)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-lowest
	$(BIN)/uv pip install --quiet --python .venv-lowest/bin/python --require-hashes -r $<
	@touch $@

# What is pinned stays as it is, and what these libraries need comes beside it.
$(NETWORKS): pyproject.toml | $(READY)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-networks
	$(BIN)/uv pip freeze --quiet --python $(BIN)/python --exclude-editable > .venv-networks/pinned.txt
	$(BIN)/uv pip install --quiet --python .venv-networks/bin/python \
		--constraint .venv-networks/pinned.txt -e '.[pipeline,dev,networks]'
	@touch $@
