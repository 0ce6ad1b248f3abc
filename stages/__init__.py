"""One small script per DVC stage, run as `python -m stages.NAME`."""

from creditrisk.core.environment import start

start()
