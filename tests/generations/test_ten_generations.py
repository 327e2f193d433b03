"""A corpus that grows ten times, ever more biased: the union meets its bounds after each."""

from pathlib import Path

import numpy as np

from tests.growing import add_shard, append, corpus, files_in, manifest_of, shards_of

BOUNDS = {"eta": 0.4, "max_representation_bias": 0.01, "max_association_bias": 0.02}


def test_the_union_meets_its_bounds_after_each_and_what_is_written_stays(tmp_path: Path) -> None:
    config = corpus(tmp_path, balance=BOUNDS, output={"samples_per_shard": 100})
    before: dict[str, str] = {}
    labels: dict[Path, int] = {}
    for number, women in enumerate(np.linspace(0.42, 0.33, 10).tolist()):
        add_shard(tmp_path, f"week{number}", samples=400, women=women)
        append(config)
        manifest = manifest_of(config)
        assert manifest.generations is not None
        assert len(manifest.generations) == number + 1
        assert manifest.measures.max_RB <= 0.01 + 1e-12
        assert manifest.measures.max_AB <= 0.02 + 1e-12
        assert manifest.totals.in_ == 400 * (number + 1)
        now = shards_of(config)
        assert before.items() <= now.items()
        before = now
        tables = list(files_in(tmp_path / "out" / "labels"))
        stamps = {path: path.stat().st_mtime_ns for path in tables}
        assert labels.items() <= stamps.items()
        labels = stamps
