"""The job `alert` of the scheduled workflow, with a folder for the bucket."""

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

from creditrisk.workflow.alert import github, webhook
from tests.support.alerts import Place, alarm, issues
from tests.support.hook_server import receiving
from tests.support.project import ROOT

JOB = yaml.safe_load((ROOT / ".github/workflows/monitor.yml").read_text())["jobs"]["alert"]
# What the job asks of gcloud: a folder there is a folder here.
GCLOUD = """#!/bin/bash
set -eu
here() { [[ $1 = gs://* ]] && echo "$STORE/${1#gs://}" || echo "$1"; }
case "$1 $2" in
"storage rsync")
    [ "$3" = --recursive ]; [ "$4" = '--exclude=.*\\.parquet$' ]
    tar -C "$(here "$5")" --exclude='*.parquet' -cf - . | tar -C "$6" -xf - ;;
"storage cp") cp "$(here "$3")" "$(here "$4")" ;;
*) exit 1 ;;
esac
"""
MAKE = f'#!/bin/sh\n[ "$*" = alert ] && exec "{sys.executable}" -m commands.alert\n'


def run_job(folder: Path, store: Path, address: str) -> list[int]:
    """Run the steps as a runner does, in an empty clone; return their exit codes."""
    (folder / "metrics").mkdir(parents=True)
    known = {
        "vars.MONITOR_BUCKET": "bucket", "github.token": "t", "github.repository": "a/b",
        "secrets.CREDITRISK_ALERT_WEBHOOK": address,
    }  # fmt: skip
    programs = store / "bin"
    codes = []
    for step in JOB["steps"]:
        if "run" not in step:
            continue
        assert "${{" not in step["run"]
        settings = JOB["env"] | step.get("env", {})
        env = {k: known.get(v.strip("${ }"), v) for k, v in settings.items()}
        env |= {"STORE": str(store), "PATH": f"{programs}:{os.environ['PATH']}"}
        env |= {"PYTHONPATH": str(ROOT)}
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        codes.append(subprocess.run(command, cwd=folder, env=os.environ | env).returncode)
    return codes


def test_the_job_tells_once_and_keeps_what_was_told_although_a_channel_fails(tmp_path: Path):
    place = Place(tmp_path / "monitored")
    place.folder.mkdir()
    place.monitored(alarm())
    (place.alerts.parent / "000001-a.parquet").write_text("applicants")
    store = tmp_path / "store"
    bucket = store / "bucket"
    (bucket / "latest").mkdir(parents=True)
    place.alerts.parent.rename(bucket / "monitor")
    place.metrics.rename(bucket / "latest/monitor.json")
    told = Place(store).with_gh()
    for name, text in (("gcloud", GCLOUD), ("make", MAKE)):
        (store / "bin" / name).write_text(text)
        (store / "bin" / name).chmod(0o755)
    with receiving(403) as hook:
        assert run_job(tmp_path / "first", store, hook.address) == [0, 0, 0, 2]
        assert not list((tmp_path / "first").rglob("*.parquet"))
        assert run_job(tmp_path / "second", store, hook.address) == [0, 0, 0, 0]
    assert hook.keys == ["aaa", "aaa"]
    assert len(issues(told)) == 1
    record = json.loads((bucket / "monitor/delivered.json").read_text())
    assert {name: list(one) for name, one in record.items()} == {
        "log": ["aaa"], webhook.Webhook.name: ["aaa"], github.GitHub.name: ["aaa"],
    }  # fmt: skip
