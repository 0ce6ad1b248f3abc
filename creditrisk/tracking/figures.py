"""Figures for MLflow's pages, which show PNG files next to a run's metrics."""

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figures(predictions: pd.DataFrame, title: str) -> dict[str, "Figure"]:
    """Draw the ROC curve and the calibration curve.

    Args:
        predictions: columns `bad` and `pd`, of rows that the model was not fitted on.
        title: title of both figures.

    Returns:
        The figures by name: `roc` and `calibration`.
    """
    from matplotlib.figure import Figure
    from sklearn.calibration import CalibrationDisplay
    from sklearn.metrics import RocCurveDisplay

    bad, pds = predictions["bad"], predictions["pd"]
    drawn = {}
    for name, display, options in (
        ("roc", RocCurveDisplay, {"plot_chance_level": True}),
        ("calibration", CalibrationDisplay, {"n_bins": 10, "strategy": "quantile"}),
    ):
        figure = Figure(figsize=(5, 5), layout="constrained")
        axes = figure.add_subplot()
        display.from_predictions(bad, pds, ax=axes, name="unseen rows", **options)
        axes.set_title(title)
        drawn[name] = figure
    roc, calibration = (drawn[name].axes[0] for name in ("roc", "calibration"))
    roc.set_xlabel("Good applicants refused (false positive rate)")
    roc.set_ylabel("Bad applicants refused (true positive rate)")
    calibration.set_xlabel("Mean PD")
    calibration.set_ylabel("Bad rate")
    return drawn
