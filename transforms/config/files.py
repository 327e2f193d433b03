"""Reading a configuration: one YAML file, its errors in words, its relative paths made whole."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from transforms.base.errors import ConfigError, WrongKey
from transforms.base.local_paths import current_folder, local_path
from transforms.base.nearest import did_you_mean
from transforms.base.places import checked_output
from transforms.config.assignments import Assignment, assigned
from transforms.config.embeddings import EmbeddingSource
from transforms.config.groups import CROSSED, NAMED
from transforms.config.known_keys import meant_by
from transforms.config.model import Model
from transforms.config.sections import Config, Section
from transforms.config.shard_patterns import anchored_patterns
from transforms.config.variables import with_variables
from transforms.config.yaml_lines import line_of
from transforms.config.yaml_text import is_file, read_text, values_in

_FORMS = {"[key]", NAMED, CROSSED}
_SECRET = {"storage_options"}
_MOST_PROBLEMS = 100
_LONGEST_SHOWN = 300
_LINE = re.compile(r"\blines? (?:[\d, ]+ and )?(\d+)\b")
_QUOTED = re.compile(r"'([^']*)'")
_ALL_KEYS = "see `fairshard init` for the keys there are"

S = TypeVar("S", bound=Section)


def parse_config(text: str, origin: str, assignments: Sequence[Assignment] = ()) -> Config:
    """The configuration in a YAML text, with what is assigned; `origin` names it in errors.

    Raises ConfigError, one line a wrong key: the key, what is wrong, what is allowed.
    """
    values = values_in(text, origin)
    if not isinstance(values, dict):
        raise ConfigError(f"{origin} holds no mapping of keys; `fairshard init` prints an example")
    if not assignments:
        return validated(Config, values, origin)
    keys = ", ".join(one.key for one in assignments)
    return validated(Config, assigned(values, assignments), f"{origin} with --set {keys}")


def validated(kind: type[S], values: Mapping[str, Any], origin: str) -> S:
    """The section that `values` make; ConfigError as `parse_config` where they make none."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        found = error.errors(include_url=False)[:_MOST_PROBLEMS]
        raise wrong([_problem(dict(each), kind) for each in found], origin) from error


def wrong(problems: Sequence[WrongKey], origin: str) -> ConfigError:
    """What is said of a configuration with these problems, one line each."""
    lines = (f"  {problem.key or 'the configuration'}: {problem.reason}" for problem in problems)
    return ConfigError(f"{origin} is wrong:\n" + "\n".join(lines), problems)


def read_config(
    path: Path,
    assignments: Sequence[Assignment] = (),
    check: Callable[[Config], Config] = lambda config: config,
) -> Config:
    """The configuration in the file `path`, with what is assigned, once it passes the `check`.

    Its relative paths are taken from the file's folder. What comes through a pipe has none: then
    they are taken from the current one.
    """
    text = read_text(path)
    try:
        config = parse_config(text, str(path), assignments)
        whole = Path(local_path(str(path)))
        return check(
            anchored(config, whole.resolve().parent if is_file(path) else current_folder())
        )
    except ConfigError as error:
        found = error.problems or (_wrong_text(str(error)),)
        error.problems = tuple(_in_line(each, text, assignments) for each in found)
        raise


def config_in(values: Mapping[str, Any], assignments: Sequence[Assignment] = ()) -> Config:
    """The configuration in `values`, as YAML would hold them, with what is assigned; its paths,
    which may be objects, are taken from the current folder.
    """
    config = validated(Config, _plain(assigned(values, assignments)), "the configuration")
    return anchored(config, current_folder())


def anchored(config: Config, folder: Path) -> Config:
    """`config` with the environment's variables in its paths and URLs, and paths from `folder`.

    Raises ConfigError where a variable has no value.
    """

    def at(key: str, path: str | None) -> str | None:
        return path and _anchor(with_variables(path, key), folder)

    given, endpoint = config.input, config.telemetry.otlp_endpoint
    shards = _anchor_patterns(given.shards, "input.shards", folder)
    tables = {
        name: source.model_copy(
            update={"url": _anchor_patterns(source.url, f"tables.{name}.url", folder)}
        )
        for name, source in config.tables.items()
    }
    embeddings = {
        name: _anchor_embeddings(source, f"embeddings.{name}", folder)
        for name, source in config.embeddings.items()
    }
    own = {"expectations": at("gates.expectations", config.gates.expectations)}
    url = _anchor(with_variables(config.output.url, "output.url"), folder)
    labels = at("output.labels", config.output.labels)
    output = {
        "url": checked_output(url),
        "labels": labels and checked_output(labels, "place of labels"),
    }
    collector = endpoint and with_variables(endpoint, "telemetry.otlp_endpoint")
    return config.model_copy(
        update={
            "input": given.model_copy(update={"shards": shards}),
            "tables": tables,
            "embeddings": embeddings,
            "model": config.model and _anchor_model(config.model, "model", folder),
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


def _anchor_patterns(patterns: Sequence[str], key: str, folder: Path) -> tuple[str, ...]:
    wanted = (with_variables(pattern, key) for pattern in patterns)
    return tuple(path for pattern in wanted for path in anchored_patterns(pattern, folder))


def _anchor_embeddings(source: EmbeddingSource, key: str, folder: Path) -> EmbeddingSource:
    found = {
        part: _anchor_patterns(getattr(source, part), f"{key}.{part}", folder)
        for part in ("url", "metadata", "texts")
    }
    model = _anchor_model(source.model, f"{key}.model", folder)
    return source.model_copy(update={**found, "model": model})


def _anchor_model(model: Model, key: str, folder: Path) -> Model:
    name = _anchor_model_name(with_variables(model.name, f"{key}.name"), folder)
    weights = model.pretrained and with_variables(model.pretrained, f"{key}.pretrained")
    found = {"name": name, "pretrained": _anchor_checkpoint(weights, folder)}
    return model.model_copy(update=found)


def _anchor_model_name(name: str, folder: Path) -> str:
    scheme, found, path = name.partition("local-dir:")
    return f"local-dir:{_anchor(path, folder)}" if found and not scheme else name


def _anchor_checkpoint(pretrained: str | None, folder: Path) -> str | None:
    if pretrained is None:
        return None
    whole = _anchor(pretrained, folder)
    return whole if Path(whole).is_file() else pretrained


def _wrong_text(sentence: str) -> WrongKey:
    """What is wrong with a text that is of no key, with the last line that the sentence names."""
    line = _LINE.search(sentence)
    return WrongKey(sentence, line=int(line[1]) if line else None)


def _in_line(problem: WrongKey, text: str, assignments: Sequence[Assignment]) -> WrongKey:
    """The problem with its line in the `text`, unless it is of a key that is assigned."""
    if problem.line or any(one.covers(problem.place) for one in assignments):
        return problem
    return replace(problem, line=line_of(problem.place, text))


def _problem(error: dict[str, Any], kind: type[Section]) -> WrongKey:
    place = tuple(part for part in error["loc"] if part not in _FORMS)
    return WrongKey(_reason(error, place, kind), place)


def _reason(error: dict[str, Any], place: tuple[str | int, ...], kind: type[Section]) -> str:
    """What is wrong at `place` of a section, and what is allowed."""
    match error["type"]:
        case "extra_forbidden":
            meant = meant_by(place, kind)
            return f"unknown key; {(meant and f'did you mean {meant}?') or _ALL_KEYS}"
        case "missing":
            return "missing; it must be given"
        case "value_error":
            return str(error["ctx"]["error"])
        case _:
            _, told, wanted = error["msg"].partition(" should ")
            reason = f"should {wanted}" if told else error["msg"]
            given = error["input"]
            open_to_see = isinstance(given, str | int | float | bool) and not _SECRET & {
                str(part) for part in error["loc"]
            }
            if error["type"] == "string_type" and open_to_see:
                return f"should be text, not {_short(given)}: put it in quotes"
            shown = f", not {_short(given)}" if open_to_see else ""
            if error["type"] == "literal_error" and isinstance(given, str):
                shown += did_you_mean(given, _QUOTED.findall(wanted))
            return f"{reason.replace('valid tuple', 'list')}{shown}"


def _short(value: str | float) -> str:
    """`value` as Python writes it, cut where it is long."""
    if isinstance(value, int) and value.bit_length() > _LONGEST_SHOWN:
        return "a number of that size"
    shown = repr(value)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}..."
