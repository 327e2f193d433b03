"""How the files beside the output shards stand to the manifest and to the shards' records."""

from collections.abc import Mapping

from transforms.resampling.manifest import Manifest, ShardEntry, names_beside
from transforms.resampling.ownership import number_of
from transforms.resampling.records import OutputRecord, table_file
from transforms.resampling.sizes import sizes_json
from transforms.storage import paths
from transforms.storage.concurrent import at_once
from transforms.storage.inventory import Inventory, Vouched

OTHERWISE = "with a record that is not the manifest's"


def table_beside(shard: str) -> str:
    """The table beside the output shard of that name."""
    return paths.samples_table(number_of(shard) or 0)


def tables_wrong(
    records: Mapping[str, OutputRecord], said: Mapping[str, ShardEntry], inventory: Inventory
) -> dict[str, str]:
    """What is wrong with tables beside shards, by name.

    `records` are those of shards that stand, `said` what the manifest has of them, by name.
    """

    def fault_of(shard: str) -> str:
        table, entry = records[shard].table, said.get(shard)
        fault = inventory.fault(table_file(number_of(shard) or 0, table)) if table else ""
        if fault or entry is None:
            return fault
        recorded = (table.bytes, table.sha256) if table else None
        listed = (entry.table.bytes, entry.table.sha256) if entry.table else None
        return "" if recorded == listed else OTHERWISE

    found = zip(records, at_once(fault_of, records), strict=True)
    return {table_beside(shard): fault for shard, fault in found if fault}


def sizes_wrong(manifest: Manifest | None, inventory: Inventory) -> dict[str, str]:
    """What is wrong with the table of sizes, by name, where the manifest says that there is one."""
    if manifest is None or paths.SIZES not in names_beside(manifest):
        return {}
    fault = inventory.fault(Vouched(paths.SIZES, len(sizes_json(manifest)), "", ""))
    return {paths.SIZES: fault} if fault else {}
