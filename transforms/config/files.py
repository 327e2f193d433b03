"""Reading a configuration: one YAML file, its errors in words, its relative paths made whole."""

from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from transforms.base.errors import ConfigError
from transforms.base.local_paths import current_folder, local_path
from transforms.base.places import checked_output
from transforms.config.groups import CROSSED, NAMED
from transforms.config.sections import Config, Section
from transforms.config.shard_patterns import anchored_patterns
from transforms.config.variables import with_variables
from transforms.config.yaml_text import is_file, read_text, values_in

_FORMS = {"[key]", NAMED, CROSSED}
_SECRET = {"storage_options"}
_MOST_PROBLEMS = 100
_LONGEST_SHOWN = 300

S = TypeVar("S", bound=Section)


def parse_config(text: str, origin: str) -> Config:
    """The configuration in a YAML text; `origin` names it in errors.

    Raises ConfigError, one line a wrong key: the key, what is wrong, what is allowed.
    """
    values = values_in(text, origin)
    if not isinstance(values, dict):
        raise ConfigError(f"{origin} holds no mapping of keys; `fairshard init` prints an example")
    return validated(Config, values, origin)


def validated(kind: type[S], values: Mapping[str, Any], origin: str) -> S:
    """The section that `values` make; ConfigError as `parse_config` where they make none."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        lines = [_sentence(dict(problem)) for problem in problems[:_MOST_PROBLEMS]]
        raise ConfigError(f"{origin} is wrong:\n" + "\n".join(lines)) from error


def read_config(path: Path) -> Config:
    """The configuration in the file `path`, its relative paths taken from the file's folder.

    What comes through a pipe has none: then they are taken from the current one.
    """
    config = parse_config(read_text(path), str(path))
    whole = Path(local_path(str(path)))
    return anchored(config, whole.resolve().parent if is_file(path) else current_folder())


def config_in(values: Mapping[str, Any]) -> Config:
    """The configuration in `values`, as YAML would hold them; its paths, which may be objects, are
    taken from the current folder.
    """
    config = validated(Config, _plain(values), "the configuration")
    return anchored(config, current_folder())


def anchored(config: Config, folder: Path) -> Config:
    """`config` with the environment's variables in its paths and URLs, and paths from `folder`.

    Raises ConfigError where a variable has no value.
    """

    def at(key: str, path: str | None) -> str | None:
        return path and _anchor(with_variables(path, key), folder)

    given, model, endpoint = config.input, config.model, config.telemetry.otlp_endpoint
    if model is not None:
        name = _anchor_model(with_variables(model.name, "model.name"), folder)
        weights = model.pretrained and with_variables(model.pretrained, "model.pretrained")
        found = {"name": name, "pretrained": _anchor_checkpoint(weights, folder)}
        model = model.model_copy(update=found)
    wanted = (with_variables(pattern, "input.shards") for pattern in given.shards)
    shards = tuple(path for pattern in wanted for path in anchored_patterns(pattern, folder))
    own = {"expectations": at("gates.expectations", config.gates.expectations)}
    url = _anchor(with_variables(config.output.url, "output.url"), folder)
    output = {"url": checked_output(url)}
    collector = endpoint and with_variables(endpoint, "telemetry.otlp_endpoint")
    return config.model_copy(
        update={
            "input": given.model_copy(update={"shards": shards}),
            "model": model,
            "calibration": at("calibration", config.calibration),
            "gates": config.gates.model_copy(update=own),
            "output": config.output.model_copy(update=output),
            "telemetry": config.telemetry.model_copy(update={"otlp_endpoint": collector}),
        }
    )


def _plain(value: Any) -> Any:
    """`value` as YAML gives it: dictionaries, lists, and paths as text."""
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return fspath(value) if isinstance(value, PathLike) else value


def _anchor(path: str, folder: Path) -> str:
    return path if "://" in path or "::" in path else local_path(path, folder)


def _anchor_model(name: str, folder: Path) -> str:
    scheme, found, path = name.partition("local-dir:")
    return f"local-dir:{_anchor(path, folder)}" if found and not scheme else name


def _anchor_checkpoint(pretrained: str | None, folder: Path) -> str | None:
    if pretrained is None:
        return None
    whole = _anchor(pretrained, folder)
    return whole if Path(whole).is_file() else pretrained


def _sentence(problem: dict[str, Any]) -> str:
    key = (
        ".".join(str(part) for part in problem["loc"] if part not in _FORMS) or "the configuration"
    )
    match problem["type"]:
        case "extra_forbidden":
            return f"  {key}: unknown key; see `fairshard init` for the keys there are"
        case "missing":
            return f"  {key}: missing; it must be given"
        case "value_error":
            return f"  {key}: {problem['ctx']['error']}"
        case _:
            _, told, wanted = problem["msg"].partition(" should ")
            reason = f"should {wanted}" if told else problem["msg"]
            given = problem["input"]
            open_to_see = isinstance(given, str | int | float | bool) and not _SECRET & {
                str(part) for part in problem["loc"]
            }
            shown = f", not {_short(given)}" if open_to_see else ""
            if problem["type"] == "string_type" and open_to_see:
                return f"  {key}: should be text, not {_short(given)}: put it in quotes"
            return f"  {key}: {reason.replace('valid tuple', 'list')}{shown}"


def _short(value: str | float) -> str:
    """`value` as Python writes it, cut where it is long."""
    if isinstance(value, int) and value.bit_length() > _LONGEST_SHOWN:
        return "a number of that size"
    shown = repr(value)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}..."
