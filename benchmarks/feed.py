"""What feeding a model costs: CPU a sample, until its pixels and tokens are there.

    python -m benchmarks.feed --shards 'folder/*.tar'

The same samples go two ways through what labelling reads candidates with: by open_clip's own
transform and tokenizer, and by fairshard's. Caption, lexicon, tokens, decoding, resizing and crop
are included; reading the tar is apart. CPU is of the thread, the best of the runs, which alternate.

Without --shards, pictures of 384 x 384 px are drawn. `without pixels` is the same work where each
picture is one of 16 x 16 px: what is left is nearly all done under Python's lock, of which there is
one a process, whatever its threads.
"""

import argparse
import io
import os
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import open_clip
import torch
from numpy.typing import NDArray
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from benchmarks.machine import machine
from transforms.config.sections import Config
from transforms.recognition.candidates import CandidateReader
from transforms.recognition.decoding import Decoder
from transforms.recognition.settings import members_of
from transforms.recognition.shaping import Shaping
from transforms.recognition.tokeniser import Tokeniser
from transforms.shards.finding import find_shards
from transforms.shards.samples import Sample, open_tar, read_samples
from transforms.stages.registrations import load_registrations

DRAWN, SIDE, QUALITY = 400, 384, 85
SMALL = 16
WORDS = {"woman": ["woman", "women", "girl", "lady"], "man": ["man", "men", "boy", "gentleman"]}

Decode = Callable[[bytes], NDArray[np.uint8]]
Tokenise = Callable[[str], NDArray[np.int64]]


@dataclass(frozen=True)
class Cost:
    """Microseconds of CPU a sample: its picture, its tokens, and all of it."""

    picture: float
    tokens: float
    whole: float


def main() -> None:
    """Run the benchmark; the last word is fairshard's cost over open_clip's."""
    options = _options()
    torch.set_num_threads(1)
    print(machine())
    with tempfile.TemporaryDirectory() as scratch:
        config = configured(options.shards or drawn_shard(Path(scratch)))
        samples, reading = samples_of(config, options.samples)
    settings = PreprocessCfg(**_preprocessing(options.model))
    tokenizer = open_clip.get_tokenizer(options.model)
    theirs = _open_clips(settings), partial(_tokens, tokenizer)
    ours = _decode(settings), Tokeniser(open_clip.get_tokenizer(options.model)).tokens
    small = _decode(replace(settings, size=SMALL)), ours[1]
    costs = _costs(config, samples, (theirs, ours), options.repeats)
    (bare,) = _costs(config, _without_pixels(config, samples), (small,), options.repeats)
    print(
        f"{len(samples):,} samples, {_sizes(config, samples)}; {options.model}: {settings.size} px"
    )
    print(f"{'us of CPU a sample':34s}{'open_clip':>10s}{'fairshard':>10s}")
    for title in ("picture", "tokens", "whole"):
        print(f"{title:34s}" + "".join(f"{getattr(cost, title):10,.0f}" for cost in costs))
    print(f"{'without pixels':34s}{'':10s}{bare.whole:10,.0f}")
    print(f"{'reading the tar, in one thread':34s}{'':10s}{reading:10,.0f}")
    _print_threads(CandidateReader(config, *ours), samples)
    _print_differences(theirs[0], ours[0], config, samples)
    print(f"fairshard / open_clip = {costs[1].whole / costs[0].whole:.2f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shards", help="these shards, of pictures and captions")
    parser.add_argument("--samples", type=int, default=2000, help="the first so many of them")
    parser.add_argument("--model", default="ViT-B-32", help="a registered model of open_clip")
    parser.add_argument("--repeats", type=int, default=5, help="the best run counts")
    return parser.parse_args()


def configured(shards: str) -> Config:
    """Two names by lexicon and prompts, and the similarity, of these shards."""
    load_registrations()
    names = {
        name: {"target": 0.5, "lexicon": words, "prompts": [f"a {name}"]}
        for name, words in WORDS.items()
    }
    return Config.model_validate(
        {
            "input": {"shards": shards},
            "attributes": {
                "gender": {"names": names, "zero_shot": {"none_of_these": ["an object"]}}
            },
            "model": {"name": "ViT-B-32", "pretrained": "openai"},
            "utility": {"score": "similarity"},
            "balance": {"eta": 0.5},
            "output": {"url": "out"},
        }
    )


def drawn_shard(folder: Path) -> str:
    """A shard of waves with edges and grain; its URL."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    rng = np.random.default_rng(0)
    with tarfile.open(folder / "drawn.tar", "w") as tar:
        for number in range(DRAWN):
            a, b, c = rng.uniform(5, 60, 3)
            waves = [128 + 99 * np.sin(x / a), 128 + 99 * np.sin(y / b + x / c), 255 * (x > y)]
            grain = rng.normal(0, 8, (SIDE, SIDE, 3))
            image = Image.fromarray(np.uint8(np.clip(np.stack(waves, -1) + grain, 0, 255)))
            sink = io.BytesIO()
            image.save(sink, "JPEG", quality=QUALITY)
            caption = f"A woman and a man beside wave number {number} at the sea"
            for extension, content in (("jpg", sink.getvalue()), ("txt", caption.encode())):
                info = tarfile.TarInfo(f"{number:06d}.{extension}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return str(folder / "drawn.tar")


def samples_of(config: Config, most: int) -> tuple[list[Sample], float]:
    """The first samples, and the microseconds of CPU that reading took for each."""
    found: list[Sample] = []
    members, limits = members_of(config), config.input.limits
    began = time.thread_time()
    for shard in find_shards(config.input):
        with open_tar(shard.url, config.input.storage_options, size=shard.bytes) as stream:
            entries = read_samples(stream, members, limits)
            found += (entry for entry in entries if isinstance(entry, Sample))
        if len(found) >= most:
            break
    spent = time.thread_time() - began
    usable = [sample for sample in found[:most] if _is_usable(config, sample)]
    if not usable:
        raise SystemExit("the shards hold no sample with a caption and a picture")
    return usable, 1e6 * spent / len(found)


def _is_usable(config: Config, sample: Sample) -> bool:
    try:
        _caption_of(config)(sample)
        Image.open(io.BytesIO(_image_of(config)(sample))).load()
    except (StopIteration, ValueError, OSError):
        return False
    return True


def _preprocessing(model: str) -> dict[str, object]:
    """What open_clip would prepare pictures by, without the model's weights."""
    given = open_clip.get_model_config(model)
    if given is None:
        raise SystemExit(f"open_clip has no model {model}")
    return {"size": given["vision_cfg"]["image_size"], **given.get("preprocess_cfg", {})}


def _open_clips(settings: PreprocessCfg) -> Decode:
    *steps, _, _ = image_transform_v2(settings, is_train=False).transforms

    def decode(content: bytes) -> NDArray[np.uint8]:
        image = Image.open(io.BytesIO(content))
        for step in steps:
            image = step(image)
        return np.asarray(image)

    return decode


def _decode(settings: PreprocessCfg) -> Decode:
    shaping = Shaping(settings)
    return Decoder(shaping, shaping.side, max_pixels=10**8).decode


def _tokens(tokenizer: Callable[[list[str]], torch.Tensor], text: str) -> NDArray[np.int64]:
    found: NDArray[np.int64] = tokenizer([text])[0].numpy()
    return found


def _costs(
    config: Config,
    samples: Sequence[Sample],
    ways: Sequence[tuple[Decode, Tokenise]],
    repeats: int,
) -> list[Cost]:
    """What each way costs; runs alternate."""
    image, caption = _image_of(config), _caption_of(config)
    best = [Cost(np.inf, np.inf, np.inf) for _ in ways]
    for _ in range(repeats + 1):
        for way, (decode, tokenise) in enumerate(ways):
            reader = CandidateReader(config, decode, tokenise)
            found = Cost(
                _timed(lambda sample, decode=decode: decode(image(sample)), samples),
                _timed(lambda sample, tokenise=tokenise: tokenise(caption(sample)), samples),
                _timed(reader.read, samples),
            )
            known = best[way]
            best[way] = Cost(
                min(known.picture, found.picture),
                min(known.tokens, found.tokens),
                min(known.whole, found.whole),
            )
    return best


def _timed(work: Callable[[Sample], object], samples: Sequence[Sample]) -> float:
    began = time.thread_time()
    for sample in samples:
        work(sample)
    return 1e6 * (time.thread_time() - began) / len(samples)


def _image_of(config: Config) -> Callable[[Sample], bytes]:
    names = config.input.members.image
    return lambda sample: next(sample.members[name] for name in names if name in sample.members)


def _caption_of(config: Config) -> Callable[[Sample], str]:
    names = config.input.members.caption
    return lambda sample: next(
        sample.members[name].decode() for name in names if name in sample.members
    )


def _without_pixels(config: Config, samples: Sequence[Sample]) -> list[Sample]:
    sink = io.BytesIO()
    Image.new("RGB", (SMALL, SMALL)).save(sink, "JPEG")
    small = {name: sink.getvalue() for name in config.input.members.image}
    return [
        replace(sample, members={name: small.get(name, of) for name, of in sample.members.items()})
        for sample in samples
    ]


def _print_threads(reader: CandidateReader, samples: Sequence[Sample]) -> None:
    threads, alone = 1, 0.0
    while threads <= (os.cpu_count() or 1):
        with ThreadPoolExecutor(threads) as pool:
            parts = [samples[start::threads] for start in range(threads)]
            began = time.perf_counter()
            list(pool.map(lambda part: [reader.read(sample) for sample in part], parts))
            rate = len(samples) / (time.perf_counter() - began)
        alone = alone or rate
        print(f"{threads} threads: {rate:,.0f} samples/s, {rate / alone / threads:.2f} of linear")
        threads *= 2


def _print_differences(
    theirs: Decode, ours: Decode, config: Config, samples: Sequence[Sample]
) -> None:
    image = _image_of(config)
    pairs = ((theirs(image(sample)), ours(image(sample))) for sample in samples)
    differences = np.stack([np.abs(one.astype(np.int16) - other) for one, other in pairs])
    shares = ", ".join(f"{(differences > by).mean():.1e} by more than {by}" for by in (0, 1))
    print(f"pixels differ by {differences.max()} of 255 levels at most: {shares}")


def _sizes(config: Config, samples: Sequence[Sample]) -> str:
    image = _image_of(config)
    sizes = [Image.open(io.BytesIO(image(sample))).size for sample in samples]
    width, height = np.mean(sizes, axis=0)
    kilobytes = np.mean([len(image(sample)) for sample in samples]) / 1000
    return f"{width:.0f} x {height:.0f} px and {kilobytes:.0f} kB on average"


if __name__ == "__main__":
    main()
