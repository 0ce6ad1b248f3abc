"""Values of our computations as JSON knows them, with ten digits."""

import math
from typing import Any


def to_jsonable(value: Any) -> Any:
    """Turn NumPy scalars, pandas NA and tuples into what JSON knows; a NaN becomes None."""
    if isinstance(value, dict):
        return {str(to_jsonable(k)): to_jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [to_jsonable(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.10g}") if math.isfinite(value) else None
    return value
