"""Reading a configuration: one YAML file, its errors in words, its relative paths made whole."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from transforms.config import Config
from transforms.errors import ConfigError


def parse_config(text: str, origin: str) -> Config:
    """The configuration in a YAML text; `origin` names it in errors.

    Raises ConfigError, one line a wrong key: the key, what is wrong, what is allowed.
    """
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{origin} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{origin} holds no mapping of keys; `fairshard init` prints an example")
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        lines = [_sentence(dict(problem)) for problem in error.errors()]
        raise ConfigError(f"{origin} is wrong:\n" + "\n".join(lines)) from error


def read_config(path: Path) -> Config:
    """The configuration in the file `path`, its relative paths taken from the file's folder."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"the configuration {path} cannot be read: {reason}") from error
    return anchored(parse_config(text, str(path)), path.resolve().parent)


def anchored(config: Config, folder: Path) -> Config:
    """`config` with every relative local path made absolute, from `folder`."""
    model = config.model and config.model.model_copy(
        update={
            "name": _anchor_model(config.model.name, folder),
            "pretrained": _anchor_checkpoint(config.model.pretrained, folder),
        }
    )
    shards = tuple(_anchor(pattern, folder) for pattern in config.input.shards)
    return config.model_copy(
        update={
            "input": config.input.model_copy(update={"shards": shards}),
            "model": model,
            "calibration": config.calibration and _anchor(config.calibration, folder),
            "output": config.output.model_copy(update={"url": _anchor(config.output.url, folder)}),
        }
    )


def _anchor(path: str, folder: Path) -> str:
    return path if "://" in path or "::" in path else str(folder / Path(path).expanduser())


def _anchor_model(name: str, folder: Path) -> str:
    scheme, found, path = name.partition("local-dir:")
    return f"local-dir:{_anchor(path, folder)}" if found and not scheme else name


def _anchor_checkpoint(pretrained: str | None, folder: Path) -> str | None:
    is_file = pretrained is not None and (folder / Path(pretrained).expanduser()).is_file()
    return _anchor(pretrained, folder) if pretrained is not None and is_file else pretrained


def _sentence(problem: dict[str, Any]) -> str:
    key = ".".join(str(part) for part in problem["loc"] if part != "[key]") or "the configuration"
    match problem["type"]:
        case "extra_forbidden":
            return f"  {key}: unknown key; see `fairshard init` for the keys there are"
        case "missing":
            return f"  {key}: missing; it must be given"
        case "value_error":
            return f"  {key}: {problem['ctx']['error']}"
        case _:
            reason = problem["msg"].removeprefix("Input should be ")
            given = problem["input"]
            shown = f", not {given!r}" if isinstance(given, str | int | float | bool) else ""
            return f"  {key}: should be {reason}{shown}"
