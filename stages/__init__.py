"""One small script per DVC stage, run as `python -m stages.NAME`."""

from creditrisk.core.environment import require_packages

require_packages()
