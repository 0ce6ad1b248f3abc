"""Let params.yaml name a drafted schema and its file; nothing else in it changes."""

from pathlib import Path
from typing import Any

from creditrisk.core.files import write_text
from creditrisk.ingest.params import DataParams
from creditrisk.workflow.draft.write import DEFAULTS, data_block
from creditrisk.workflow.tune.yaml_edit import replace_values


def use_in_params(path: Path, data: DataParams, present: dict[str, Any]) -> None:
    """Set the block `data`.

    Args:
        path: params.yaml.
        data: how the new file is written.
        present: the block as it is. What it sets although that is rarely needed, such as the header
            or the sheet of the last file, is set back.
    """
    values: dict[str, Any] = dict(data_block(data))
    values |= {key: DEFAULTS[key] for key in DEFAULTS if key in present and key not in values}
    changed = {key: value for key, value in values.items() if present.get(key) != value}
    # As bytes, because text mode would translate the line ends.
    text = path.read_bytes().decode("utf-8")
    write_text(replace_values(text, ["data"], changed), path)
