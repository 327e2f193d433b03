"""How fast shards are labelled, where the time goes, and how that compares.

    python benchmarks/label.py
    python benchmarks/label.py --model ViT-B-32 --shards 'folder/*.tar' --batch-size 64

Three runs over the same samples, in one process: the bare model on tensors that are ready in
memory; fairshard's labeller; and a peer, written here after the usual loop of clip-retrieval and
others: webdataset reads, open_clip's transform is applied sample by sample, the model sees batches.
A registered model without --pretrained gets random weights: the speed is the same.
"""

import argparse
import copy
import json
import os
import platform
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import open_clip
import torch
import webdataset
from open_clip.transform import PreprocessCfg, image_transform_v2
from open_clip.zero_shot_classifier import build_zero_shot_classifier
from safetensors.torch import save_model

from jobs.begin.demo.captions import PHRASES, TEMPLATES
from jobs.begin.demo.corpus import MODEL, write_corpus
from transforms.config.sections import Config, Model
from transforms.labels.labelling import Labeller
from transforms.recognition.clip import Clip
from transforms.recognition.decoding import Decoder
from transforms.shards.finding import find_shards
from transforms.shards.samples import Sample, open_tar, read_samples
from transforms.stages.registrations import load_registrations
from transforms.storage.files import Storage

PROMPTS = {name: phrases for name, phrases in PHRASES["figure"].items() if name is not None}
NONE_OF_THESE = "nobody"


def main() -> None:
    """Run the benchmark and print its table."""
    options = _options()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        pattern = options.shards or _drawn_corpus(folder / "corpus", options.samples)
        model = Model(**_model(options, folder))
        config = _config(pattern, model, folder)
        print(_machine(options.model))
        threads = torch.get_num_threads()
        labelled, seconds, samples = _labelling(config, options.repeats)
        clip = Clip(model)
        inputs = _inputs(clip, config, model.batch_size)
        bare = max(_bare(clip, inputs, samples) for _ in range(options.repeats))
        torch.set_num_threads(threads)
        peer = max(_peer(clip, config, model.batch_size) for _ in range(options.repeats))
    print(f"samples             {samples:12,d}")
    print(f"fairshard           {labelled:12,.0f} samples/s")
    print(f"bare model          {bare:12,.0f} samples/s   fairshard / bare = {labelled / bare:.2f}")
    print(f"webdataset + loop   {peer:12,.0f} samples/s   fairshard / peer = {labelled / peer:.2f}")
    for step, spent in seconds.items():
        print(f"  {step:8s}{spent:10.2f} s  {spent / seconds['total']:6.0%} of the wall clock")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=4000, help="of the demo corpus to draw")
    parser.add_argument("--shards", help="label these shards instead of a demo corpus")
    parser.add_argument("--model", default=f"local-dir:{MODEL}", help="any model of open_clip")
    parser.add_argument("--pretrained", help="its weights; random ones by default")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16", "fp16"), default="auto")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--decode-threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--repeats", type=int, default=3, help="the best run counts")
    return parser.parse_args()


def _drawn_corpus(folder: Path, samples: int) -> str:
    write_corpus(folder, samples, shards=2, seed=0)
    return str(folder / "shards" / "*.tar")


def _model(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The model section; a registered model gets random weights, as files, in `folder`."""
    chosen: dict[str, Any]
    if options.pretrained or ":" in options.model:
        chosen = {"name": options.model, "pretrained": options.pretrained}
    else:
        chosen = random_model(options.model, folder)
    return chosen | {
        "device": options.device,
        "precision": options.precision,
        "batch_size": options.batch_size,
        "decode_threads": options.decode_threads,
    }


def random_model(name: str, folder: Path) -> dict[str, str]:
    """A registered model with random weights, as files in `folder`: its name.

    A tokenizer that would be fetched is replaced by CLIP's own.
    """
    settings = copy.deepcopy(open_clip.get_model_config(name))
    if settings is None:
        raise SystemExit(f"open_clip has no model {name}")
    if settings["text_cfg"].pop("hf_tokenizer_name", None):
        settings["text_cfg"].pop("tokenizer_kwargs", None)
        settings["text_cfg"]["vocab_size"] = open_clip.SimpleTokenizer().vocab_size
    files = folder / "model"
    files.mkdir()
    (files / "open_clip_config.json").write_text(json.dumps({"model_cfg": settings}))
    model = open_clip.create_model(f"local-dir:{files}", load_weights=False)
    save_model(model, files / "open_clip_model.safetensors")
    return {"name": f"local-dir:{files}"}


def _config(pattern: str, model: Model, folder: Path) -> Config:
    names = {name: {"prompts": phrases, "target": 0.3} for name, phrases in PROMPTS.items()}
    zero_shot = {"templates": TEMPLATES["figure"], "none_of_these": NONE_OF_THESE}
    load_registrations()
    return Config.model_validate(
        {
            "input": {"shards": pattern},
            "attributes": {"figure": {"names": names, "zero_shot": zero_shot}},
            "model": model,
            "balance": {"eta": 0.5},
            "output": {"url": str(folder / "out")},
        }
    )


def _machine(model: str) -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    cpu = next((line.split(": ")[1] for line in lines if "model name" in line), platform.machine())
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{cpu}, {os.cpu_count()} cores, {gpu}; PyTorch {torch.__version__}; {model}"


def _labelling(config: Config, repeats: int) -> tuple[float, dict[str, float], int]:
    """Samples a second, the seconds of each step, and the samples, of the best of the runs."""
    labeller = Labeller(config)
    storage = Storage(config.output.url)
    shards = find_shards(config.input)
    labeller.label(shards[0], storage)
    runs = []
    for _ in range(repeats):
        started = time.perf_counter()
        records = [labeller.label(shard, storage) for shard in shards]
        elapsed = time.perf_counter() - started
        samples = sum(record.samples for record in records)
        steps = records[0].seconds
        seconds = {step: sum(record.seconds[step] for record in records) for step in steps}
        runs.append((samples / elapsed, seconds, samples))
    return max(runs, key=lambda run: run[0])


def _inputs(clip: Clip, config: Config, size: int) -> torch.Tensor:
    """One batch of inputs, on the device."""
    decode = Decoder(clip.shape, clip.side, config.input.limits.max_pixels).decode
    with open_tar(find_shards(config.input)[0].url, {}) as stream:
        entries = read_samples(stream, config.input.members, config.input.limits)
        samples = islice((entry for entry in entries if isinstance(entry, Sample)), size)
        return clip.inputs([decode(sample.members["jpg"]) for sample in samples])


@torch.inference_mode()
def _bare(clip: Clip, inputs: torch.Tensor, samples: int) -> float:
    """Samples a second of the image tower alone."""
    batches = -(-samples // len(inputs))
    clip.model.encode_image(inputs)
    _synchronize()
    started = time.perf_counter()
    for _ in range(batches):
        clip.model.encode_image(inputs)
    _synchronize()
    return batches * len(inputs) / (time.perf_counter() - started)


@torch.inference_mode()
def _peer(clip: Clip, config: Config, size: int) -> float:
    """Samples a second of the usual loop: read, transform, stack, encode, softmax, one by one."""
    preprocess = image_transform_v2(
        PreprocessCfg(**clip.model.visual.preprocess_cfg), is_train=False
    )
    tokenizer = open_clip.get_tokenizer(config.model.name if config.model else "")
    names = [*(phrases[0] for phrases in PROMPTS.values()), NONE_OF_THESE]
    weights = build_zero_shot_classifier(clip.model, tokenizer, names, TEMPLATES["figure"])
    urls = [shard.url for shard in find_shards(config.input)]
    dataset = webdataset.WebDataset(urls, shardshuffle=False)
    images = dataset.decode("pilrgb").to_tuple("jpg").map_tuple(preprocess).batched(size)
    started = time.perf_counter()
    labelled = 0
    for (batch,) in images:
        features = clip.model.encode_image(batch.to(clip.device, clip.dtype), normalize=True)
        logits = clip.logit_scale * features @ weights
        labelled += len(logits.float().softmax(dim=1).cpu())
    return labelled / (time.perf_counter() - started)


def _synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
