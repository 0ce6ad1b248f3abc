"""The log-odds of PDs."""

import numpy as np
from scipy.special import logit

# The log-odds of a PD of exactly 0 or 1 are infinite.
EDGE = 1e-6


def log_odds(pd_: np.ndarray) -> np.ndarray:
    """Return the log-odds of PDs, which are first clipped to [EDGE, 1 - EDGE]."""
    return logit(np.clip(pd_, EDGE, 1 - EDGE))
