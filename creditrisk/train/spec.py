"""What a search needs in addition to the rows, and the pipelines of its candidates."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from imblearn.pipeline import Pipeline

from creditrisk.modeling.blocks import block_for, fit_rows, grid, model_params, relevant_candidates
from creditrisk.modeling.folds import Fold
from creditrisk.modeling.params import PreprocessParams
from creditrisk.modeling.pipeline import Recipe, build_pipeline, candidate_params
from creditrisk.modeling.registry import algorithm
from creditrisk.modeling.resample import row_sampler
from creditrisk.train.params import TrainParams

PROBABILITY_SCORES = ("neg_brier_score", "neg_log_loss")


@dataclass(frozen=True)
class SearchSpec:
    """What a search needs in addition to the rows.

    Attributes:
        name: the algorithm.
        candidates: the grid points, from `relevant_candidates`.
        features: the content of features.json.
        preprocess: the block `preprocess`.
        train: the block `train`.
        seed: random seed.
        fit_rows: number of rows that a fit takes at most; None for all.
    """

    name: str
    candidates: list[dict[str, Any]]
    features: dict[str, Any]
    preprocess: PreprocessParams
    train: TrainParams
    seed: int
    fit_rows: int | None = None

    @property
    def columns(self) -> list[str]:
        """The feature columns, in the order of features.json."""
        kinds = self.features
        return [*kinds["numeric"], *kinds["nominal"], *kinds["ordinal"]]

    def words(self, number: int) -> str:
        """Name a candidate by its position, for errors."""
        return str(self.candidates[number])

    def pipeline(self) -> Pipeline:
        """Build the pipeline whose parameters the candidates set."""
        return build_pipeline(algorithm(self.name).build(self.seed))

    def candidate_pipeline(
        self, candidate: dict[str, Any], bad: np.ndarray, folds: list[Fold]
    ) -> Pipeline:
        """Make the unfitted pipeline of a candidate.

        Args:
            candidate: by the names in params.yaml.
            bad: outcomes of the training rows, shape (n,).
            folds: positions in `bad`.
        """
        settings = self.settings(candidate, smallest_classes(bad, folds), len(bad))
        return self.pipeline().set_params(**settings)

    def settings(
        self, candidate: dict[str, Any], classes: tuple[int, int], rows: int
    ) -> dict[str, Any]:
        """Return the parameters that a candidate sets in the pipeline.

        Args:
            candidate: one of `candidates`.
            classes: good and bad rows in the smallest training part.
            rows: number of training rows, of which a fold takes a part.
        """
        entry = algorithm(self.name)
        recipe = Recipe(
            self.features, self.preprocess, self.seed, entry.handles_missing, entry.constraints
        )
        model = model_params(candidate)
        sample = row_sampler(self.fit_rows, rows, self.seed)
        return candidate_params(recipe, candidate, model, classes, sample)


def make_spec(
    name: str,
    block: dict[str, Any],
    features: dict[str, Any],
    preprocess: PreprocessParams,
    train: TrainParams,
    seed: int,
    rows: int,
) -> SearchSpec:
    """Make the specification of a search from the parameters.

    Args:
        name: the algorithm.
        block: its block of params.yaml.
        features: the content of features.json.
        preprocess: the block `preprocess`.
        train: the block `train`.
        seed: random seed.
        rows: number of training rows.

    Raises:
        InputError: a name in the block is unknown, or a value is invalid.
    """
    candidates = relevant_candidates(
        grid(name, block, seed, rows), features, preprocess, algorithm(name).handles_missing
    )
    limit = fit_rows(block_for(name, block, rows))
    chosen = train.for_rows(rows)
    return SearchSpec(name, candidates, features, preprocess, chosen, seed, limit)


def smallest_classes(bad: np.ndarray, folds: list[Fold]) -> tuple[int, int]:
    """Count the good and the bad rows in the training parts, the least of each; two numbers."""
    counts = np.array([np.bincount(bad[fold.train], minlength=2) for fold in folds])
    good, bads = counts.min(axis=0)
    return int(good), int(bads)


def search_scoring(spec: SearchSpec, candidates: list[Pipeline]) -> str:
    """Return the name of the score that the search maximises.

    `roc_auc` replaces a score of probabilities if a model gives none before calibration.

    Args:
        spec: what to search.
        candidates: the unfitted pipelines.
    """
    if all(hasattr(candidate.steps[-1][1], "predict_proba") for candidate in candidates):
        return spec.train.scoring
    return "roc_auc" if spec.train.scoring in PROBABILITY_SCORES else spec.train.scoring
