"""What labels depend on: what is recognised in samples, and the tables that are joined to it."""

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
    recognised = recognition.settings_digest(config)
    if not joins_tables(config):
        return recognised
    used = {key for given in recognitions(config) for key in given}
    versions = {key: RECOGNISERS[key].version for key in used if not _of_samples(key)}
    return digest_of({"recognised": recognised, "versions": versions, "joined": _joined(config)})


def settings_by_key(config: Config) -> dict[str, Any]:
    """What the labels depend on, by the keys of the configuration: to say which has changed."""
    keys = recognition.settings_by_key(config)
    if not joins_tables(config):
        return keys
    joined = _joined(config)
    for entry in schema_of(config).recognised:
        groups = keys["attributes" if entry.kind == "s" else "labels"]
        names = groups.setdefault(entry.group, {"names": {}})["names"]
        asked = joined["columns"].get(entry.column, {})
        names[entry.name] = {**names.get(entry.name, {}), **asked}
    return {**keys, "tables": joined["tables"]}


def _joined(config: Config) -> dict[str, Any]:
    """The tables, and what their columns are asked, by label column."""
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
    return {
        "tables": {table.name: _table(table) for table in rows_of(config)},
        "columns": columns,
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
