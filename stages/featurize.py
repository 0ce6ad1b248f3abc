"""featurize: derive columns, split the rows into train and test, list the features."""

from creditrisk.core.cli import arguments, run
from creditrisk.core.columns import feature_columns
from creditrisk.core.files import read_frame, write_frame, write_json
from creditrisk.core.logs import say


def main() -> None:
    """Read the explored rows; write the training rows, the test rows and the list of features."""
    args = arguments(
        __doc__,
        explored="data/processed/explored.parquet",
        train="data/processed/train.parquet",
        test="data/processed/test.parquet",
        features="data/processed/features.json",
        bins="data/schema/bins.yaml",
    ).parse_args()
    say(f"featurize: reads {args.explored}")

    from creditrisk.core.params import Strict, read_params
    from creditrisk.featurize import FeaturizeParams, feature_frame, manifest
    from creditrisk.schema import load_schema

    class Params(Strict):
        """The parameters that featurize reads from params.yaml."""

        schema_path: str
        featurize: FeaturizeParams

    params = read_params(args.params, Params, schema_path="data.schema")
    explored = read_frame(args.explored)
    in_train = explored["split"] == "train"
    schema = load_schema(params.schema_path)
    features = manifest(schema, params.featurize, explored.loc[in_train], args.bins)
    frame = feature_frame(explored, features)
    train, test = (frame[frame["split"] == side] for side in ("train", "test"))
    write_frame(train, args.train)
    write_frame(test, args.test)
    write_json(features, args.features)
    for name, reason in features["left_out"].items():
        say(f"featurize: column {name} is left out: {reason}")
    if features["audit"]:
        say(f"featurize: for audit only, out of the model: {', '.join(features['audit'])}")
    derived = ", ".join(features["derived"]) or "none"
    say(
        f"featurize: {len(feature_columns(frame))} features (derived: {derived}), "
        f"{len(train)} training rows, {len(test)} test rows"
    )


if __name__ == "__main__":
    run(main)
