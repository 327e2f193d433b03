"""What labels depend on: what is recognised in samples, and the tables that are joined to it."""

from collections.abc import Mapping
from typing import Any

from transforms.config.recognisers import OF_SAMPLES, RECOGNISERS, dumped
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.labels.tables import digest_of
from transforms.recognition import settings as recognition
from transforms.recognition.settings import group_of, recognitions
from transforms.shards.naming import normal_form
from transforms.tables.rows import Rows
from transforms.tables.sources import rows_of


def joins_tables(config: Config) -> bool:
    """Whether tables are joined to what is recognised in samples."""
    return bool(rows_of(config))


def settings_digest(config: Config) -> str:
    """A digest of all that the labels depend on, files of tables in their versions among it.

    Two configurations with one digest give one shard the same label table. Raises FairshardError
    where the files of a table cannot be found.
    """
    return _digest(config, _joined(config))


def settings_by_key(config: Config) -> dict[str, Any]:
    """What the labels depend on, by the keys of the configuration: to say which has changed."""
    return _by_key(config, _joined(config))


def settings_of(config: Config) -> tuple[str, dict[str, Any]]:
    """`settings_digest` and `settings_by_key`; the files of tables are looked up once."""
    joined = _joined(config)
    return _digest(config, joined), _by_key(config, joined)


def _digest(config: Config, joined: Mapping[str, Any] | None) -> str:
    recognised = recognition.settings_digest(config)
    if joined is None:
        return recognised
    used = {key for given in recognitions(config) for key in given}
    versions = {key: RECOGNISERS[key].version for key in used if not _of_samples(key)}
    return digest_of({"recognised": recognised, "versions": versions, "joined": joined})


def _by_key(config: Config, joined: Mapping[str, Any] | None) -> dict[str, Any]:
    keys = recognition.settings_by_key(config)
    if joined is None:
        return keys
    for entry in schema_of(config).recognised:
        groups = keys["attributes" if entry.kind == "s" else "labels"]
        names = groups.setdefault(entry.group, {"names": {}})["names"]
        asked = joined["columns"].get(entry.column, {})
        names[entry.name] = {**names.get(entry.name, {}), **asked}
    of_filter = {**keys.get("filter", {}), "columns": joined["values"]} if joined["values"] else {}
    return {
        **keys,
        **({"filter": of_filter} if of_filter else {}),
        "utility": {**keys["utility"], **joined["utility"]},
        "tables": joined["tables"],
    }


def _joined(config: Config) -> dict[str, Any] | None:
    """The tables, and what their columns are asked, by label column; None where none is joined."""
    tables = rows_of(config)
    if not tables:
        return None
    columns: dict[str, Any] = {}
    for entry, given in zip(schema_of(config).recognised, recognitions(config), strict=True):
        asked = {key: settings for key, settings in given.items() if not _of_samples(key)}
        if asked:
            settings = dumped(asked, "json")
            combine = group_of(config, entry).combine
            columns[entry.column] = {
                **{key: settings[key] for key in asked},
                **({"combine": combine} if len(given) > 1 else {}),
            }
    utility = config.utility.column
    return {
        "tables": {table.name: _table(table) for table in tables},
        "columns": columns,
        "values": [f"{column.table}.{column.name}" for column in schema_of(config).joined],
        "utility": {"column": f"{utility.table}.{utility.name}"} if utility else {},
    }


def _of_samples(recogniser: str) -> bool:
    return RECOGNISERS[recogniser].source in OF_SAMPLES


def _table(table: Rows) -> dict[str, Any]:
    files = [
        [[normal_form(url) for url in file.urls], file.bytes, file.version]
        for file in table.files()
        if not file.part
    ]
    return {
        "missing": table.missing,
        "layout": table.layout,
        "files": digest_of(files),
        **table.identity(),
    }
