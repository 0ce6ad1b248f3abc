PYTHON ?= python3
VENV := .venv
REMOTE ?= local
# What a person or a workflow sets. The recipes read it from the environment, in quotes, and here it is taken
# literally: neither make nor the shell runs the text of a variable (docs/architecture.md, Law 10).
SETTINGS := PYTHON REMOTE SET JOBS INPUT OUTPUT RUNS ALGO TRIALS HOST PORT BASE INTO PICTURES PR ARGS \
	DATA TARGET GOOD BAD EXCLUDE ENGINE REGISTRY PROJECT REGION IMAGE FROM
$(foreach name,$(SETTINGS),$(eval override $(name) := $$(value $(name))))
export $(SETTINGS)
# Remotes that need a plugin. Each plugin has its own environment, so that its pins do not affect $(VENV).
PLUGINS := s3 gdrive gcs
# The start of the name selects the plugin: s3, s3-archive and so on share .venv-s3.
PLUGIN := $(firstword $(foreach p,$(PLUGINS),$(if $(filter $(p)%,$(REMOTE)),$(p))))
REMOTE_VENV := $(if $(PLUGIN),.venv-$(PLUGIN),$(VENV))
# A lock file has all that is needed, so nothing is resolved: pip would look at a newer version of a package that another
# one asks for with an extra (coverage[toml]), and refuse it for want of a hash.
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes
# Resolves the lock files: one version for all Pythons, each file with its hash.
UV := uv==0.13.9
UV_COMPILE := uv pip compile --quiet --universal --fork-strategy fewest --generate-hashes --no-header \
	--no-annotate --no-emit-index-url --no-emit-find-links
# The image's packages are downloaded on any machine, for the one that Cloud Run has.
IMAGE_PLATFORM := --python-platform x86_64-manylinux_2_28 --python-version 3.11
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

repro: $(VENV)/locked ## create .venv, install the locked dependencies, run `dvc repro` (JOBS=4: so many train stages at a time)
	@python -m commands.check
	@if test -n "$$JOBS"; then python -m commands.repro --jobs "$$JOBS"; else echo "dvc repro"; dvc repro; fi

check: $(VENV)/locked ## check params.yaml and the schema file, in seconds (ARGS="-S name=value")
	@set -f; python -m commands.check $$ARGS

schema: $(VENV)/locked ## draft a schema file from applicants (DATA=new.csv TARGET=column OUTPUT=x.yaml GOOD=A,B BAD=C EXCLUDE=D)
	@set -f; python -m commands.schema --data "$$DATA" --target "$$TARGET" $${OUTPUT:+--output "$$OUTPUT"} \
	$${GOOD:+--good "$$GOOD"} $${BAD:+--bad "$$BAD"} $${EXCLUDE:+--exclude "$$EXCLUDE"} $$ARGS

verify: $(VENV)/locked ## hash all outputs and the DVC cache again, name what differs from dvc.lock
	@python -m commands.verify

sweep: $(VENV)/locked ## run experiments, wait, show the table (SET="model=lr,rf seed=1,2" JOBS=2)
	@set -f; set --; for one in $$SET; do set -- "$$@" -S "$$one"; done; \
	python -m commands.sweep --jobs "$${JOBS:-2}" "$$@"

experiments: $(VENV)/locked ## show the table of experiments, sorted by CV (ARGS=--md or --csv, --num 3, -A)
	@set -f; python -m commands.experiments $$ARGS

score: $(VENV)/locked ## score new applicants by the champion (INPUT=new.csv OUTPUT=scored.parquet)
	@test -n "$$INPUT" -a -n "$$OUTPUT" || { echo "error: make score: INPUT and OUTPUT: missing. Name both files: make score INPUT=new.csv OUTPUT=scored.parquet" >&2; exit 2; }
	@set -f; python -m commands.score --input "$$INPUT" --output "$$OUTPUT" $$ARGS

serve: $(VENV)/locked ## the champion as a service and a form in the browser (HOST=127.0.0.1 PORT=8080)
	@set -f; python -m commands.serve $$ARGS

image: $(VENV)/locked ## the service as a container image (ENGINE=docker, podman or buildah; BASE=an image with Python 3.11)
	@python -m commands.image build

image-test: $(VENV)/locked ## run the image under limits, compare its PDs with this machine's (ENGINE)
	@python -m commands.image test

image-push: $(VENV)/locked ## push the image, with the Git commit as its tag, print its digest (REGISTRY=HOST/PROJECT/REPOSITORY)
	@python -m commands.image push

deploy: $(VENV)/locked ## the pushed image on Cloud Run: smoke test, then traffic (PROJECT REGION IMAGE=...@sha256:...)
	@python -m commands.deploy

rollback: $(VENV)/locked ## give the traffic on Cloud Run back to the revision before (PROJECT REGION)
	@python -m commands.deploy --rollback

monitor: $(VENV)/locked ## take in data/incoming, look for drift, changed formats, silence; fails (python -m commands.monitor: exit 3) if an alarm is on
	@test -z "$$(find data/incoming -maxdepth 1 ! -type f ! -type d ! -type l -print -quit 2>/dev/null)" || { echo "error: data/incoming: folder: a pipe or a device is in it, on which DVC would wait. Remove it." >&2; exit 2; }
	@set -f; dvc repro monitor/dvc.yaml; received=$$?; \
	python -m commands.monitor --now "$$(date -u +%Y-%m-%dT%H:%M:%S)" $$ARGS; judged=$$?; \
	if [ $$received != 0 ]; then exit 2; fi; exit $$judged

receive-stream: $(VENV)/locked ## take in the messages of a stream (FROM=nats://HOST:4222/STREAM), then `make monitor` judges them
	@test -n "$$FROM" || { echo "error: make receive-stream: FROM: missing. Name the stream: make receive-stream FROM=nats://HOST:4222/STREAM" >&2; exit 2; }
	@set -f; python -m commands.receive --from "$$FROM" $$ARGS

alert: $(VENV)/locked ## tell of new and ended alarms: webhook, GitHub issue, Prometheus, log (docs/alerts.md)
	@set -f; python -m commands.alert $$ARGS

simulate-drift: $(VENV)/locked ## put drifted batches into data/incoming, to try alarms (ARGS="--kind scale --column hoehe")
	@set -f; python -m commands.simulate_drift $$ARGS

retrain: $(VENV)/locked ## train a new champion with the outcomes that are known now, for review (ARGS=--dry-run)
	@set -f; python -m commands.retrain $$ARGS

test: $(VENV)/locked-test ## install the test tools too, run pytest (ARGS="-k name" selects)
	PYTEST_ADDOPTS="$$ARGS" python -m pytest -n 3 --dist worksteal

# On its own: to watch each line doubles the time of a test.
coverage: $(VENV)/locked-test ## run the tests, and say which lines of creditrisk/ they do not run (ARGS="tests/unit/train")
	@set -f; python -m pytest -n 3 --dist worksteal --cov=creditrisk $$ARGS

test-fast: $(VENV)/locked-test ## run the tests that need no built pipeline and no server: for every save
	PYTEST_ADDOPTS="$$ARGS" python -m pytest -n 2 --dist worksteal -m "not (pipeline or server or browser or slow)" tests/unit

smoke: $(VENV)/locked-test ## build a small pipeline and check its contract: for another Python, in a fresh clone (PYTHON=python3.14)
	python -m pytest -k "built_from_nothing or contract or public_libraries" tests/pipeline/test_pipeline.py

bench: $(VENV)/locked-test ## compare times: rebuild and floor, sweeps, growth, start, cluster; takes more than an hour (ARGS="--only start")
	@set -f; python -m benchmarks.bench $$ARGS

lint: $(VENV)/locked-test ## check style and format with ruff, types with mypy
	ruff check .
	ruff format --check .
	mypy

logs: ## show the log of the last run of a stage or command (RUNS=15 for more of them)
	@ls logs/*.log >/dev/null 2>&1 || { echo "error: logs: none yet. Run a stage or a command first." >&2; exit 2; }
	@case "$${RUNS:-1}" in *[!0-9]*) echo "error: make logs: RUNS: not a number. Give one: make logs RUNS=15" >&2; exit 2;; esac
	@cat $$(ls logs/*.log | tail -n "$${RUNS:-1}")

pull: remote ## fetch the outputs in dvc.lock from a remote (REMOTE=s3, default `local`)
	$(REMOTE_VENV)/bin/dvc pull -r "$$REMOTE"

push: remote ## store the outputs in dvc.lock on a remote (REMOTE as above)
	$(REMOTE_VENV)/bin/dvc push -r "$$REMOTE"

# Reports what is missing before an environment is installed for it, and before DVC could hang.
remote: $(VENV)/locked
	@test -e "$(REMOTE_VENV)/locked" || python -m commands.remotes check --offline -- "$$REMOTE"
	@$(MAKE) -s --no-print-directory $(REMOTE_VENV)/locked
	@python -m commands.remotes check -- "$$REMOTE"

remote-check: $(VENV)/locked ## show for each remote whether it is configured and reachable
	@python -m commands.remotes check

backup: $(VENV)/locked ## push to every configured remote
	@python -m commands.remotes backup

mlflow: $(VENV)/locked ## show the recorded runs in MLflow's pages, on this machine only (PORT=5000)
	@python -m commands.mirror --show --port "$${PORT:-5000}"

mirror: $(VENV)/locked ## upload the pending runs to the MLflow server at MLFLOW_TRACKING_URI
	@python -m commands.mirror

tune: $(VENV)/locked ## search finer than a grid, write the result to params.yaml (ALGO=xgb TRIALS=30 ARGS=--dry-run)
	@set -f; python -m commands.tune --trials "$${TRIALS:-30}" $$ARGS -- "$$ALGO"

plots-page: $(VENV)/bin/python ## rebuild .dvc/page.html, the page of `dvc plots` (needs npm)
	python tools/plots_page/build.py

# The variables are passed in the environment, so that make and the shell never run the name of a branch as code
# (docs/architecture.md, Law 10).
review: $(VENV)/locked ## compare with BASE in review.md (default: the merge base with INTO, which is main by default)
	@python -m commands.review $${BASE:+--base "$$BASE"} $${INTO:+--into "$$INTO"} $${PICTURES:+--pictures "$$PICTURES"}

former: $(VENV)/locked ## put the test decisions of a revision into data/former, for the swap set of the report (BASE=main)
	@test -n "$$BASE" || { echo "error: make former: BASE: missing. Name the revision of the former champion: make former BASE=main" >&2; exit 2; }
	@dvc get --force --rev "$$BASE" --out data/former/decisions.parquet . data/processed/decisions.parquet

# The old name of `make review`, with its old outputs, for one release.
report: $(VENV)/locked
	@echo "make report is now make review; this name goes with the next release. make comment posts what make review wrote" >&2
	@python -m commands.review --output report.md --folder report $${BASE:+--base "$$BASE"} $${INTO:+--into "$$INTO"} $${PICTURES:+--pictures "$$PICTURES"}

comment: ## post the review on pull request PR, or update the existing comment (needs gh)
	@test -n "$$PR" || { echo "error: make comment: PR: missing. Name the pull request: make comment PR=12" >&2; exit 2; }
	@id=$$(gh pr view "$$PR" --json comments --jq '[.comments[] | select(.viewerDidAuthor and (.body | startswith("<!-- creditrisk-review -->"))) | .url | sub(".*#issuecomment-"; "")] | last // empty') || exit 1; \
	if [ -n "$$id" ]; then gh api --silent --method PATCH "repos/{owner}/{repo}/issues/comments/$$id" -F body=@review/comment.md; \
	else gh pr comment "$$PR" --body-file review/comment.md; fi

test-envs: .venv-s3/locked-test .venv-gdrive/locked ## install what the tests of the remotes need

audit: ## look for known vulnerabilities in the packages of all lock files (needs a network)
	@$(MAKE) -s --no-print-directory .venv-audit/locked || { echo "audit: not done: pip-audit could not be installed, which needs a network" >&2; exit 3; }
	@.venv-audit/bin/python -m tools.audit.check

licences: $(VENV)/locked-test test-envs .venv-gcs/locked .venv-audit/locked ## write docs/licences.md again, after `make lock`
	python -m tools.licences.table

lock: $(VENV)/bin/python ## resolve pyproject.toml again and write the lock files
	python -m pip install --quiet --disable-pip-version-check $(UV)
	$(UV_COMPILE) --upgrade --group build pyproject.toml -o requirements.lock
	$(UV_COMPILE) -c requirements.lock --group build --extra test pyproject.toml -o requirements-test.lock
	$(UV_COMPILE) -c requirements.lock --group serve -o requirements-serve.lock
	$(subst --universal --fork-strategy fewest,$(IMAGE_PLATFORM),$(UV_COMPILE)) -c requirements.lock --group image \
		-o requirements-image.lock
	$(UV_COMPILE) -c requirements.lock --group mlflow -o requirements-mlflow.lock
	grep '^dvc' requirements.lock | sed 's/ .*//' > .venv/dvc.lock
	for group in $(PLUGINS) s3-test audit; do \
		$(UV_COMPILE) --upgrade -c .venv/dvc.lock --group $$group -o requirements-$$group.lock || exit 1; \
	done

# An installation takes minutes and pip is quiet, so each step is told, on stderr.
$(VENV)/bin/python:
	@echo "install: makes $(VENV)" >&2
	@"$$PYTHON" -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	@"$$PYTHON" -m venv $(VENV)

# The stamp is newer than the lock file only after a successful install.
$(VENV)/locked: requirements.lock | $(VENV)/bin/python
	@echo "install: $$(grep -c == $<) packages of $< into $(VENV), which takes minutes the first time" >&2
	@python $(PIP_INSTALL) -r requirements.lock
	@echo "install: this project into $(VENV)" >&2
	@python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "install: done" >&2

$(VENV)/locked-test: requirements-test.lock $(VENV)/locked
	@echo "install: $$(grep -c == $<) packages of $< into $(VENV), of which most are there" >&2
	@python $(PIP_INSTALL) -r requirements-test.lock
	@touch $@
	@echo "install: done" >&2

$(PLUGINS:%=.venv-%/locked): .venv-%/locked: requirements-%.lock
	@echo "installing .venv-$*: DVC with its plugin for this remote"
	@test -x .venv-$*/bin/python || "$$PYTHON" -m venv .venv-$*
	.venv-$*/bin/python $(PIP_INSTALL) -r $<
	@touch $@

.venv-audit/locked: requirements-audit.lock
	@echo "installing .venv-audit: pip-audit"
	@test -x .venv-audit/bin/python || "$$PYTHON" -m venv .venv-audit
	.venv-audit/bin/python $(PIP_INSTALL) -r $<
	@touch $@

.venv-s3/locked-test: requirements-s3-test.lock .venv-s3/locked
	.venv-s3/bin/python $(PIP_INSTALL) -r $<
	@touch $@

.PHONY: help repro check schema verify sweep experiments score serve test coverage test-fast smoke bench lint logs lock pull push remote remote-check backup \
	mlflow mirror tune plots-page review report comment test-envs audit licences image image-test image-push deploy rollback monitor receive-stream alert simulate-drift retrain
