"""Labelling on a GPU, from tar to label table, beside the bare model and decoding alone.

    python -m benchmarks.gpu
    python -m benchmarks.gpu --models ViT-B-32 --seconds 5
    python -m benchmarks.gpu --device cpu --models demo --pictures 200   # a trial without a GPU

It needs a GPU, PyTorch, open_clip and fairshard's core, no engine and no network: pictures are
drawn, weights are random. For each model, in samples a second:

- the bare model on tensors that lie on its device: as it is, compiled, and as a CUDA graph;
- decoding alone: on the CPU's cores, and by nvJPEG with the resize on the GPU;
- nvJPEG, resize and model in one process, copies on a stream of their own, a batch ahead;
- fairshard's labeller, from tar to label table.

The last word of a model is fairshard's share of the smaller of the bare model and decoding alone;
0.9 is the aim. What cannot be had here is said, and left out.
"""

import argparse
import io
import os
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import interpolate
from torchvision.io import ImageReadMode, decode_jpeg

from benchmarks.feed import configured
from benchmarks.label import random_model
from benchmarks.machine import machine
from jobs.begin.demo.corpus import MODEL
from transforms.config.sections import Config, Model
from transforms.labels.labelling import Labeller
from transforms.recognition.clip import Clip
from transforms.recognition.decoding import Decoder
from transforms.shards.finding import find_shards
from transforms.storage.files import Storage

MODELS = ["ViT-B-32", "ViT-L-14", "ViT-B-16-SigLIP"]
DEMO = "demo"
SIDE, QUALITY, DISTINCT = 384, 85, 64


def main() -> None:
    """Run the benchmark and print a table for each model."""
    options = _options()
    on_gpu = options.device == "cuda"
    if on_gpu and not torch.cuda.is_available():
        raise SystemExit("there is no CUDA device here: --device cpu tries the script without")
    name = torch.cuda.get_device_name() if on_gpu else "no GPU"
    print(f"{machine()}; {name}; PyTorch {torch.__version__}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        pictures = _pictures()
        pattern = _shards(folder, pictures, options.pictures)
        for model in options.models:
            (folder / model).mkdir()
            _measure(model, folder / model, pictures, pattern, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", default=MODELS, help=f"of open_clip, or {DEMO}")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--pictures", type=int, default=60_000, help="to label")
    parser.add_argument("--batch-size", type=int, default=512)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="that decode")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each measurement")
    return parser.parse_args()


def _pictures() -> list[bytes]:
    """JPEG files of waves with grain."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    rng = np.random.default_rng(0)
    files = []
    for _ in range(DISTINCT):
        a, b, c = rng.uniform(5, 60, 3)
        waves = [128 + 99 * np.sin(x / a), 128 + 99 * np.sin(y / b + x / c), 255 * (x > y)]
        grain = rng.normal(0, 8, (SIDE, SIDE, 3))
        sink = io.BytesIO()
        Image.fromarray(np.uint8(np.clip(np.stack(waves, -1) + grain, 0, 255))).save(
            sink, "JPEG", quality=QUALITY
        )
        files.append(sink.getvalue())
    return files


def _shards(folder: Path, pictures: Sequence[bytes], samples: int) -> str:
    """Two shards of the pictures, over and over."""
    given = enumerate(islice(cycle(pictures), samples))
    for shard in range(2):
        with tarfile.open(folder / f"{shard}.tar", "w") as tar:
            for number, picture in islice(given, samples // 2):
                text = f"A woman and a man beside wave number {number}".encode()
                for extension, content in (("jpg", picture), ("txt", text)):
                    info = tarfile.TarInfo(f"{number:07d}.{extension}")
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))
    return str(folder / "*.tar")


def _measure(
    name: str,
    folder: Path,
    pictures: Sequence[bytes],
    pattern: str,
    options: argparse.Namespace,
) -> None:
    """Print the table of one model."""
    given = {"name": f"local-dir:{MODEL}"} if name == DEMO else random_model(name, folder)
    settings = Model(
        **given,
        device=options.device,
        batch_size=options.batch_size,
        decode_threads=options.threads,
    )
    clip = Clip(settings)
    print(f"\n{name}, {clip.side} px, {clip.precision}, batches of {options.batch_size}")
    bare = _show("the bare model", lambda: _bare(clip, clip.model.encode_image, options))
    if options.device == "cuda":
        compiled = torch.compile(clip.model.encode_image)
        graphed = torch.compile(clip.model.encode_image, mode="reduce-overhead")
        _show("  compiled", lambda: _bare(clip, compiled, options))
        _show("  compiled, as a CUDA graph", lambda: _bare(clip, graphed, options))
    decoding = _show(
        f"decoding, {options.threads} threads", lambda: _on_cpu(clip, pictures, options)
    )
    if options.device == "cuda":
        nvjpeg = _Nvjpeg(clip, pictures, options.batch_size)
        _show("decoding by nvJPEG, resize on the GPU", lambda: nvjpeg.decoding(options.seconds))
        _show("  and the bare model", lambda: nvjpeg.with_model(options.seconds))
    config = configured(pattern).model_copy(update={"model": settings})
    labelled = _show("fairshard, tar to label table", lambda: _labelled(config, folder))
    if bare and decoding and labelled:
        print(
            f"fairshard / the smaller of model and decoding = {labelled / min(bare, decoding):.2f}"
        )


def _show(title: str, measured: Callable[[], float]) -> float | None:
    """The rate that is measured, printed; None where something for it is not here."""
    try:
        rate = measured()
    except (RuntimeError, NotImplementedError) as error:
        print(f"{title:42s}not here: {str(error).splitlines()[0][:120]}", flush=True)
        return None
    print(f"{title:42s}{rate:10,.0f} samples/s", flush=True)
    return rate


def _rate(work: Callable[[], int], seconds: float) -> float:
    """What `work` does a second, once it is warm, until all of it has ended on the device."""
    for _ in range(3):
        work()
    _synchronize()
    began, done = time.perf_counter(), 0
    while time.perf_counter() < began + seconds:
        done += work()
        _synchronize()
    return done / (time.perf_counter() - began)


@torch.inference_mode()
def _bare(
    clip: Clip, encode: Callable[[torch.Tensor], object], options: argparse.Namespace
) -> float:
    pixels = np.zeros((clip.side, clip.side, 3), np.uint8)
    inputs = clip.inputs([pixels] * options.batch_size)

    def work() -> int:
        encode(inputs)
        return len(inputs)

    return _rate(work, options.seconds)


def _on_cpu(clip: Clip, pictures: Sequence[bytes], options: argparse.Namespace) -> float:
    decode = Decoder(clip.shape, clip.side, max_pixels=10**8).decode
    with ThreadPoolExecutor(options.threads) as pool:

        def work() -> int:
            return sum(1 for _ in pool.map(decode, pictures))

        return _rate(work, options.seconds)


class _Nvjpeg:
    """Batches that a GPU decodes and resizes; they are copied to it on a stream of their own."""

    def __init__(self, clip: Clip, pictures: Sequence[bytes], size: int) -> None:
        self._clip = clip
        self._files = [torch.frombuffer(bytearray(file), dtype=torch.uint8) for file in pictures]
        self._size = size
        self._stream = torch.cuda.Stream()

    def decoding(self, seconds: float) -> float:
        """Samples a second, without a model."""
        return _rate(lambda: len(self._decoded()), seconds)

    @torch.inference_mode()
    def with_model(self, seconds: float) -> float:
        """Samples a second, decoded a batch ahead of the model."""
        batches = self._ahead()

        def work() -> int:
            batch = next(batches)
            self._clip.model.encode_image(batch)
            return len(batch)

        return _rate(work, seconds)

    def _ahead(self) -> Iterator[torch.Tensor]:
        """Batches; the next one is being decoded while one is given."""
        with ThreadPoolExecutor(1) as pool:
            following = pool.submit(self._on_stream)
            while True:
                batch, ready = following.result()
                following = pool.submit(self._on_stream)
                torch.cuda.current_stream().wait_event(ready)
                batch.record_stream(torch.cuda.current_stream())
                yield batch

    @torch.inference_mode()
    def _on_stream(self) -> tuple[torch.Tensor, torch.cuda.Event]:
        with torch.cuda.stream(self._stream):
            batch = self._decoded()
            ready = torch.cuda.Event()
            ready.record(self._stream)
        return batch, ready

    def _decoded(self) -> torch.Tensor:
        files = [*islice(cycle(self._files), self._size)]
        decoded = torch.stack(decode_jpeg(files, ImageReadMode.RGB, device="cuda"))
        size = (self._clip.side, self._clip.side)
        resized = interpolate(decoded.half(), size, mode="bicubic", antialias=True)
        return resized.div_(255).sub_(0.5).div_(0.25).to(self._clip.dtype)


def _labelled(config: Config, folder: Path) -> float:
    """Samples a second of fairshard's labeller, over both shards, once it is warm."""
    output = config.output.model_copy(update={"url": str(folder / "out")})
    config = config.model_copy(update={"output": output})
    labeller, storage = Labeller(config), Storage(config.output.url)
    warm, *rest = find_shards(config.input)
    labeller.label(warm, storage)
    began = time.perf_counter()
    samples = sum(labeller.label(shard, storage).samples for shard in rest)
    return samples / (time.perf_counter() - began)


def _synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
