"""What the labels of a generation depend on: all generations of an output have it alike."""

from typing import Any

from transforms.base.differences import differing
from transforms.base.redaction import redacted_values
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.labels.settings import settings_by_key

_FILES = "files"


def labelled_by(config: Config) -> dict[str, Any]:
    """The names of attributes and labels in their order, what some follow from, and how the others
    are recognised, by key. Files of tables are left out: they grow with the corpus.
    """
    schema = schema_of(config)
    return {
        "attributes": [attribute.name for attribute in schema.attributes],
        "labels": list(schema.labels),
        "derived": {
            entry.column: {
                "all_of": [*entry.all_of],
                "any_of": [*entry.any_of],
                "none_of": [*entry.none_of],
            }
            for entry in schema.derived
        },
        "recognised": without_files(settings_by_key(config)),
    }


def without_files(keys: dict[str, Any]) -> dict[str, Any]:
    """What labels depend on, by key, as it is put on file, but for the files of tables."""
    shown: dict[str, Any] = redacted_values(keys)
    tables = {
        name: {key: value for key, value in table.items() if key != _FILES}
        for name, table in shown.get("tables", {}).items()
    }
    return {**shown, **({"tables": tables} if "tables" in shown else {})}


def schema_apart(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What of `labelled_by` differs, as a configuration names it; the order of names last."""
    recognised = differing(before.get("recognised", {}), now["recognised"])
    derived = differing(before.get("derived", {}), now["derived"])
    order = [f"the {part}" for part in ("attributes", "labels") if before.get(part) != now[part]]
    return [*recognised, *derived, *order]
