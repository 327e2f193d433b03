"""An output format: which samples a shard would hold, and where they are; no byte is copied."""

import json
from dataclasses import dataclass
from time import perf_counter
from typing import IO

from transforms.resampling.contents import Contents
from transforms.shards.block_writer import BlockWriter
from transforms.shards.copying import WrittenShard


@dataclass(frozen=True)
class Keys:
    """Writes a JSON object a line: key, input shard, offset, size, and the name in the output."""

    name: str = "keys"
    about: str = "JSON lines that say which samples a shard would hold, and where they are"
    extension: str = "jsonl"

    def write(self, contents: Contents, sink: IO[bytes]) -> WrittenShard:
        """Write the lines of one output shard."""
        samples, start = 0, perf_counter()
        with BlockWriter(sink) as lines:
            for source in contents.sources:
                for piece in source.pieces:
                    sample = {
                        "key": piece.key,
                        "shard": source.shard.name if source.shard else source.url,
                        "offset": piece.offset,
                        "size": piece.size,
                        "name": piece.new_key or piece.key,
                    }
                    lines.write(f"{json.dumps(sample)}\n".encode())
                    samples += 1
            seconds = perf_counter() - start - lines.held_up
        return WrittenShard(samples, lines.bytes, lines.sha256, seconds, lines.seconds)


KEYS = Keys()
