"""How busy labelling keeps a model of a given speed: a stand-in that takes its time and no CPU.

    python -m benchmarks.busy --shards 'folder/*.tar' --speeds 100 300 1000 3000 10000 20000

Samples lie in memory; they are decoded, tokenised and batched as in labelling, and the rows taken.
Busy is the model's share of the time from its first batch on. What the cores allow is said by a run
whose model takes no time. `--ready` has pictures that need no decoding: the queue alone.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from itertools import cycle, takewhile
from pathlib import Path

import numpy as np
import open_clip
import torch
from open_clip.transform import PreprocessCfg

from benchmarks.feed import configured, drawn_shard, samples_of
from benchmarks.machine import machine
from transforms.config.sections import Config
from transforms.labels.read_ahead import Clock
from transforms.labels.sample_labeller import SampleLabeller
from transforms.recognition.candidates import Candidate, Sight
from transforms.recognition.decoding import Decoder
from transforms.recognition.shaping import Shaping
from transforms.recognition.tokeniser import Tokeniser
from transforms.recognition.vision import Vision
from transforms.shards.samples import Sample

SPEEDS = [100, 300, 1000, 3000, 10_000, 20_000]
SECONDS, BATCHES = 3.0, 6


class StandIn(Vision):
    """A model that sees nothing, so many samples a second; it knows when it was at work."""

    def __init__(self, config: Config, speed: float, threads: int, ready: bool) -> None:
        shaping = Shaping(PreprocessCfg(size=224))
        pixels = np.zeros((shaping.side, shaping.side, 3), np.uint8)
        self.threads = threads
        self.side = shaping.side
        self.device = "stand-in"
        self.tokens = Tokeniser(open_clip.get_tokenizer("ViT-B-32")).tokens
        decoder = Decoder(shaping, shaping.side, config.input.limits.max_pixels)
        self.decode = (lambda content: pixels) if ready else decoder.decode
        self.began: list[float] = []
        self.ended: list[float] = []
        self._speed = speed

    def see(self, candidates: Sequence[Candidate]) -> list[Sight]:
        """Nothing, after the time that so many samples take."""
        self.began.append(time.perf_counter())
        if self._speed < np.inf:
            time.sleep(len(candidates) / self._speed)
        self.ended.append(time.perf_counter())
        return [Sight(similarity=0.5)] * len(candidates)

    @property
    def busy(self) -> float:
        """The share of the time from its first batch to its last that it was at work."""
        at_work = sum(self.ended) - sum(self.began)
        return at_work / (self.ended[-1] - self.began[0])


def main() -> None:
    """Run the benchmark and print its table."""
    options = _options()
    torch.set_num_threads(1)
    print(machine())
    with tempfile.TemporaryDirectory() as scratch:
        config = configured(options.shards or drawn_shard(Path(scratch)))
        samples, _ = samples_of(config, options.samples)
    allowed, _ = _run(config, samples, np.inf, options)
    print(f"{len(samples):,} samples, over again; the cores allow {allowed:,.0f} a second")
    print(f"{'model, samples/s':>18s}{'labelled/s':>12s}{'busy':>8s}{'peak MB':>10s}")
    for speed in options.speeds:
        rate, busy = _run(config, samples, speed, options)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        print(f"{speed:18,.0f}{rate:12,.0f}{busy:8.3f}{peak:10,.0f}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shards", help="of pictures and captions; drawn ones by default")
    parser.add_argument("--samples", type=int, default=500, help="the first so many of them")
    parser.add_argument("--speeds", type=float, nargs="+", default=SPEEDS)
    parser.add_argument("--threads", type=int, default=4, help="model.decode_threads")
    parser.add_argument("--ready", action="store_true", help="pictures need no decoding")
    return parser.parse_args()


def _run(
    config: Config, samples: Sequence[Sample], speed: float, options: argparse.Namespace
) -> tuple[float, float]:
    """Samples labelled a second, and the share of the time that the model is at work."""
    assert config.model is not None
    model = StandIn(config, speed, options.threads, options.ready)
    labeller = SampleLabeller(config, model)
    seconds = max(SECONDS, BATCHES * config.model.batch_size / speed)
    began = time.perf_counter()
    given = takewhile(lambda _: time.perf_counter() < began + seconds, cycle(samples))
    with closing(labeller.outcomes(given, Clock())) as outcomes:
        labelled = sum(1 for _ in outcomes)
    return labelled / (time.perf_counter() - began), model.busy


if __name__ == "__main__":
    main()
