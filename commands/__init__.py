"""One small script per command for people, run as `python -m commands.NAME`; see `make help`."""

from creditrisk.core.environment import require_packages

require_packages()
