"""The codes of the variables in reasons, in the scorecard and in the service's answers."""

from collections.abc import Iterable

from creditrisk.core.columns import SPECIAL


def reason_codes(features: Iterable[str]) -> dict[str, str]:
    """Give each variable a code: R01, R02, ... in the order in which the model has them.

    Args:
        features: the model's features; special codes go with their variable.
    """
    names = [name for name in features if not name.startswith(SPECIAL)]
    return {name: f"R{number:02d}" for number, name in enumerate(names, start=1)}
