PYTHON ?= python3
VENV := .venv
REMOTE ?= local
# Remotes with a plugin of their own, each in its own environment: their pins never reach $(VENV).
PLUGINS := s3 gdrive gcs
# The name tells which: s3, s3-archive and so on share .venv-s3.
PLUGIN := $(firstword $(foreach p,$(PLUGINS),$(if $(filter $(p)%,$(REMOTE)),$(p))))
REMOTE_VENV := $(if $(PLUGIN),.venv-$(PLUGIN),$(VENV))
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

repro: $(VENV)/locked ## create .venv, install the locked dependencies, run `dvc repro`
	@python -m commands.check
	dvc repro

check: $(VENV)/locked ## check all of params.yaml and the schema file, in seconds (ARGS="-S name=value")
	@python -m commands.check $(ARGS)

sweep: $(VENV)/locked ## run experiments (SET="model=lr,rf seed=1,2", JOBS=2), wait, show the table
	@python -m commands.sweep --jobs $(or $(JOBS),2) $(foreach one,$(SET),-S '$(one)')

experiments: $(VENV)/locked ## the table of experiments, judged by CV (ARGS=--md or --csv, --num 3, -A)
	@python -m commands.experiments $(ARGS)

test: $(VENV)/locked-test ## the same environment plus the test tools, run pytest (ARGS="-k name" picks)
	python -m pytest -n 2 --dist worksteal $(ARGS)

lint: $(VENV)/locked-test ## check style and format with ruff
	ruff check .
	ruff format --check .

pull: remote ## bring what dvc.lock names from a remote (REMOTE=s3 for another than `local`)
	$(REMOTE_VENV)/bin/dvc pull -r "$(REMOTE)"

push: remote ## store on a remote what dvc.lock names and it hasn't got yet (REMOTE as above)
	$(REMOTE_VENV)/bin/dvc push -r "$(REMOTE)"

# What is missing is told before an environment is installed for it, and before DVC can wait for it.
remote: $(VENV)/locked
	@test -e "$(REMOTE_VENV)/locked" || python -m commands.remotes check --offline "$(REMOTE)"
	@$(MAKE) -s --no-print-directory $(REMOTE_VENV)/locked
	@python -m commands.remotes check "$(REMOTE)"

remote-check: $(VENV)/locked ## tell of each remote whether it is configured and reachable
	@python -m commands.remotes check

backup: $(VENV)/locked ## push to every configured remote
	@python -m commands.remotes backup

mlflow: $(VENV)/locked ## show the recorded runs in MLflow's own pages, on this machine only (PORT=5000)
	@python -m commands.mirror --show --port $(or $(PORT),5000)

mirror: $(VENV)/locked ## send the runs that MLFLOW_TRACKING_URI's server has not got yet
	@python -m commands.mirror

tune: $(VENV)/locked ## search finer than a grid, result in params.yaml (ALGO=xgb TRIALS=30 ARGS=--dry-run)
	@python -m commands.tune "$(ALGO)" --trials "$(or $(TRIALS),30)" $(ARGS)

plots-page: $(VENV)/bin/python ## build .dvc/page.html, the page of `dvc plots`, anew (needs npm)
	python tools/plots_page/build.py

# The variables go through the environment: a branch's name is no code for make or the shell.
report: $(VENV)/locked ## compare with BASE (default: the merge base with INTO, main) in report.md, for a review
	@python -m commands.review $${BASE:+--base "$$BASE"} $${INTO:+--into "$$INTO"} $${PICTURES:+--pictures "$$PICTURES"}

comment: ## post the report on pull request PR, or update the one that is there (needs gh)
	@test -n "$$PR" || { echo "error: make comment: PR: missing. Name the pull request: make comment PR=12" >&2; exit 2; }
	@id=$$(gh pr view "$$PR" --json comments --jq '[.comments[] | select(.viewerDidAuthor and (.body | startswith("<!-- creditrisk-report -->"))) | .url | sub(".*#issuecomment-"; "")] | last // empty') || exit 1; \
	if [ -n "$$id" ]; then gh api --silent --method PATCH "repos/{owner}/{repo}/issues/comments/$$id" -F body=@report/comment.md; \
	else gh pr comment "$$PR" --body-file report/comment.md; fi

test-envs: .venv-s3/locked-test .venv-gdrive/locked ## install what the remotes' round-trip tests need

lock: $(VENV)/bin/python ## resolve pyproject.toml anew into the lock files
	python -m pip install --quiet uv
	uv pip compile --quiet --universal --upgrade --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
		pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
		--extra test -c requirements.lock pyproject.toml -o requirements-test.lock
	grep '^dvc' requirements.lock > .venv/dvc.lock
	for group in $(PLUGINS) s3-test; do \
		uv pip compile --quiet --universal --upgrade --no-header --no-annotate --no-emit-index-url \
			--no-emit-find-links -c .venv/dvc.lock --group $$group -o requirements-$$group.lock || exit 1; \
	done

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

# The stamp is newer than the lock only after an install that succeeded.
$(VENV)/locked: requirements.lock | $(VENV)/bin/python
	python $(PIP_INSTALL) -r requirements.lock
	@touch $@

$(VENV)/locked-test: requirements-test.lock $(VENV)/locked
	python $(PIP_INSTALL) -r requirements-test.lock
	@touch $@

$(PLUGINS:%=.venv-%/locked): .venv-%/locked: requirements-%.lock
	@echo "installing .venv-$*: DVC with its plugin for this remote"
	@test -x .venv-$*/bin/python || $(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python $(PIP_INSTALL) -r $<
	@touch $@

.venv-s3/locked-test: requirements-s3-test.lock .venv-s3/locked
	.venv-s3/bin/python $(PIP_INSTALL) -r $<
	@touch $@

.PHONY: help repro check sweep experiments test lint lock pull push remote remote-check backup mlflow mirror tune \
	plots-page report comment test-envs
