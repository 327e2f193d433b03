"""How many samples each output shard holds, as open_clip's training reads it beside the shards."""

import json
from pathlib import PurePosixPath

from transforms.resampling.manifest import Manifest


def sizes_json(manifest: Manifest) -> bytes:
    """The content of `sizes.json`: samples by the name of their shard, in its folder."""
    sizes = {PurePosixPath(shard.name).name: shard.samples for shard in manifest.shards}
    return f"{json.dumps(sizes, indent=1)}\n".encode()
