"""The model of a configuration: is it known, is its checkpoint there, and is it data alone?"""

import json
from pathlib import Path

from jobs.begin.diagnosis.finding import Finding, missing, ok, warning
from transforms.base.errors import FairshardError
from transforms.config.sections import Model

_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")


def check_model(model: Model) -> Finding:
    """What stands in the way of loading `model`; nothing is downloaded."""
    scheme, _, rest = model.name.partition(":")
    if scheme == "local-dir":
        return _folder(Path(rest))
    if scheme == "hf-hub":
        return _hub(rest)
    import open_clip

    name = model.name.replace("/", "-")
    if name not in open_clip.list_models():
        known = 'python -c "import open_clip; print(*open_clip.list_models())"'
        return missing("model", f"open_clip has no model {model.name}", f"{known}, and choose one")
    tags = open_clip.list_pretrained_tags_by_model(name)
    weights = model.pretrained
    if weights is None:
        return missing(
            "model", f"{name} without weights", f"set model.pretrained to one of {', '.join(tags)}"
        )
    if "://" in weights:
        return _at_url(weights)
    if Path(weights).is_file():
        return _checkpoint(Path(weights))
    if weights in tags:
        return ok("model", f"{name}, weights {weights}, fetched at the first run")
    return missing(
        "model",
        f"{weights} is neither a file nor weights of {name}",
        f"set model.pretrained to a file or one of {', '.join(tags) or 'none'}",
    )


def _folder(folder: Path) -> Finding:
    try:
        json.loads((folder / "open_clip_config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        return missing(
            "model",
            f"{folder} has no open_clip_config.json that can be read: {error}",
            "set model.name to local-dir: and the folder of an open_clip model",
        )
    found = [folder / name for name in _WEIGHTS if (folder / name).is_file()]
    if not found:
        return missing("model", f"{folder} holds no {_WEIGHTS[0]}", f"copy the weights to {folder}")
    return _checkpoint(found[0])


def _checkpoint(file: Path) -> Finding:
    """Whether a checkpoint can be opened, without unpickling anything but tensors."""
    try:
        if file.suffix == ".safetensors":
            from safetensors import safe_open

            with safe_open(file, "np") as tensors:
                count = len(tensors.keys())
        else:
            import torch

            count = len(torch.load(file, map_location="meta", weights_only=True))
    except Exception as error:  # a pickle of code, a truncated file: libraries have many errors
        return missing(
            "model",
            f"{file} cannot be loaded as weights alone ({type(error).__name__})",
            "fetch the checkpoint again, as .safetensors",
        )
    return ok("model", f"{file}, {count:,} tensors")


def _hub(name: str) -> Finding:
    from huggingface_hub import try_to_load_from_cache

    if isinstance(try_to_load_from_cache(name, "open_clip_config.json"), str):
        return ok("model", f"{name}, in the cache of the Hugging Face hub")
    return warning(
        "model",
        f"{name}, not yet fetched from the Hugging Face hub",
        f"huggingface-cli download {name}",
    )


def _at_url(url: str) -> Finding:
    from transforms.recognition.checkpoints import model_identity

    try:
        model_identity(Model(name="checkpoint", pretrained=url))
    except FairshardError as error:
        return missing("model", str(error), "correct model.pretrained")
    return ok("model", f"{url}, fetched at the first run")
