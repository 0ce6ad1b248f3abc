"""Commands that are not stages, one script each: `python -m commands.NAME`, see `make help`."""

from creditrisk.core.environment import start

start()
