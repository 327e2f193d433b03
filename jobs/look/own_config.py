"""Whether a configuration is the one that an output was made with."""

from collections.abc import Mapping
from typing import Any

from transforms.base.differences import differing, in_words
from transforms.base.errors import ConfigError
from transforms.config.sections import Config
from transforms.resampling.manifest import packing_apart
from transforms.verification.evidence import Evidence

_OF_THE_INPUT = ("members", "caption_field", "key_column")
_NO_MATTER = ("max_reject_share", "max_rejects", "max_lost_shards", "max_lost_share")
_OF_THE_MODEL = ("name", "pretrained", "precision")
_OF_FILES = ("local-dir:", "/")
_OF_THE_PLAN = ("attributes", "labels", "similarity", "utility", "filter", "balance", "seed")


def require_own(evidence: Evidence, config: Config, origin: str) -> None:
    """Raise ConfigError, naming the keys, where `config` asks for another output than this one.

    Where things lie (input, output, a model's or a calibration's files) and how they are worked on
    (engine, devices, gates, telemetry, options of storages, budgets) may differ. `origin` names
    `config`.
    """
    made, mine = evidence.document["config"], config.model_dump(mode="json")
    apart = differing(_asked(made), _asked(mine))
    if evidence.written is not None:
        apart += packing_apart(evidence.written.packing, config)
    if apart:
        verb = "differs" if len(apart) == 1 else "differ"
        raise ConfigError(
            f"{origin} is not the configuration that {evidence.storage.url} was made with: "
            f"{in_words(apart)} {verb}: verify with that one, or give the output alone"
        )


def _asked(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a configuration asks for, but for where things lie."""
    source, model = values.get("input", {}), values.get("model")
    limits = {k: v for k, v in source.get("limits", {}).items() if k not in _NO_MATTER}
    return {
        **{part: values.get(part) for part in _OF_THE_PLAN},
        "input": {**{part: source.get(part) for part in _OF_THE_INPUT}, "limits": limits},
        "calibration": values.get("calibration") is not None,
        "model": model and {part: _placeless(model.get(part)) for part in _OF_THE_MODEL},
    }


def _placeless(name: Any) -> Any:
    """The name of a model, or of weights; of files only that they are."""
    is_file = isinstance(name, str) and (name.startswith(_OF_FILES) or "://" in name)
    return "a file" if is_file else name
