"""The block `monitor`: when something counts as an alarm."""

from typing import Annotated

from pydantic import Field

from creditrisk.core.params import Number, Strict

Count = Annotated[int, Field(ge=1, le=10**9)]
Share = Annotated[Number, Field(gt=0, lt=1)]


class MonitorParams(Strict):
    """The block `monitor`.

    Attributes:
        window_rows: batches are put together until they have so many rows.
        family_alpha: how often a window without drift may have an alarm, all its series together.
        psi: a distribution must have moved by so much, beyond what chance gives.
        share: a share (missing, unseen, approved) must differ by so much.
        rejected_share: a batch of which a larger share of rows can't be read is broken.
        volume_factor: a day with so many times more or fewer rows than usual is out of the usual.
        silence_days: so many days without a row are too quiet.
        min_outcomes: outcomes are judged from so many on.
        auc_drop: the AUC must be lower than promised by so much.
        quiet_windows: an alarm has ended after so many windows without it.
    """

    window_rows: Count = 200
    family_alpha: Share = 0.01
    psi: Annotated[Number, Field(ge=0, le=100)] = 0.1
    share: Annotated[Number, Field(ge=0, lt=1)] = 0.02
    rejected_share: Share = 0.05
    volume_factor: Annotated[Number, Field(gt=1, le=1000)] = 3.0
    silence_days: Count = 3
    min_outcomes: Count = 200
    auc_drop: Annotated[Number, Field(ge=0, lt=1)] = 0.05
    quiet_windows: Count = 2
