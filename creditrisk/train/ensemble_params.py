"""The block of an ensemble in params.yaml."""

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, ValidationError

from creditrisk.core.errors import InputError, from_validation, nearest
from creditrisk.core.params import Strict

Method = Literal["mean", "weights", "stacking"]
METHODS = list(get_args(Method))
AUTO = "auto"


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else (value,)


class EnsembleParams(Strict):
    """The block of an ensemble.

    Attributes:
        members: the single models to combine, or `auto` for those that help.
        method: ways to combine; of several, the one with the least log loss out of fold is taken.
    """

    members: list[str] | Literal["auto"]
    method: Annotated[
        tuple[Literal["mean", "weights", "stacking"], ...],
        BeforeValidator(_listed),
        Field(min_length=1),
    ] = ("mean",)


def ensemble_params(name: str, block: dict[str, Any], single: list[str]) -> EnsembleParams:
    """Check the block of an ensemble.

    Args:
        name: the name of the ensemble.
        block: its block of params.yaml.
        single: the algorithms that may be members.

    Raises:
        InputError: an unknown parameter, method or member, one that is listed twice, or no member.
    """
    location = f"algorithms.{name}"
    try:
        params = EnsembleParams.model_validate(block)
    except ValidationError as error:
        raise from_validation("params.yaml", error, EnsembleParams, location) from None
    if params.members == AUTO:
        if not single:
            problem, hint = (
                "there is no single model to combine",
                "Add a block of one, or remove it.",
            )
            raise InputError("params.yaml", location, problem, hint)
        return params
    for member in params.members:
        if member not in single:
            problem = f"{member} can't be a member"
            raise InputError("params.yaml", f"{location}.members", problem, nearest(member, single))
    if not params.members or len(set(params.members)) < len(params.members):
        problem, hint = "no member, or one is listed twice", "List at least one member, each once."
        raise InputError("params.yaml", f"{location}.members", problem, hint)
    return params
