"""open_clip trains on what was written, by the command in docs/training.md."""

import math
import re
import subprocess
import sys
from pathlib import Path

from jobs.begin.demo.corpus import MODEL
from tests.weighed import balanced


def test_open_clip_trains_some_steps(tmp_path: Path) -> None:
    corpus = balanced(tmp_path, samples=120, shards=4)
    shards = sorted(path.stem for path in (corpus.output / "shards").glob("*.tar"))
    data = f"{corpus.output}/shards/{{{shards[0]}..{shards[-1]}}}.tar"
    options = {
        "--dataset-type": "webdataset",
        "--train-data": data,
        "--train-num-samples": corpus.written.total(),
        "--model": f"local-dir:{MODEL}",
        "--batch-size": 32,
        "--epochs": 1,
        "--warmup": 1,
        "--workers": 1,
        "--precision": "fp32",
        "--device": "cpu",
        "--log-every-n-steps": 1,
        "--name": "run",
    }
    words = [str(word) for option in options.items() for word in option]
    done = subprocess.run(
        [sys.executable, "-m", "open_clip_train.main", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    log = (tmp_path / "logs" / "run" / "out.log").read_text()
    losses = [float(loss) for loss in re.findall(r"Train Epoch: 0 .* Loss: (\S+)", log)]
    assert len(losses) >= corpus.written.total() // 32
    assert all(map(math.isfinite, losses))
    assert (tmp_path / "logs" / "run" / "checkpoints" / "epoch_1.pt").is_file()
