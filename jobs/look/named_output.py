"""What a command looks at: an output, named itself or by its configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.session.options import located, overridden, read_checked
from transforms.base.errors import ConfigError, FairshardError
from transforms.base.local_paths import local_path
from transforms.storage import paths

if TYPE_CHECKING:
    from transforms.config.sections import Config
    from transforms.storage.files import Storage

_CONFIGURATIONS = (".yaml", ".yml")
_SIGNS = (paths.DONE, paths.LABEL_RECORDS, paths.OUTPUT_RECORDS, paths.PLANS)


@dataclass(frozen=True)
class NamedOutput:
    """An output, with the configuration that was given for it, if one was.

    target: as it was named. origin: the name of the configuration.
    """

    target: str
    storage: Storage
    config: Config | None = None
    origin: str = ""

    @property
    def input_options(self) -> dict[str, object]:
        """What the storage of the input is opened with."""
        return self.config.input.storage_options if self.config else {}

    def begun(self) -> Storage:
        """The output; FairshardError, with what may have been meant, where no run has begun."""
        storage = self.storage
        signs = [folder for folder in _SIGNS if not (storage.labels and paths.is_of_labels(folder))]
        if any(map(storage.versions, signs)) or storage.exists(paths.MANIFEST):
            return storage
        if self.config is not None and self.origin == self.target:
            raise FairshardError(
                f"{storage.url}, the output of {self.origin}, holds no run: run `fairshard "
                f"rebalance {self.origin}` first"
            )
        meant = [name for name in storage.names("") if name.endswith(_CONFIGURATIONS)]
        raise FairshardError(
            f"{self.target} holds no run: give the output folder of a run that has begun "
            f"({paths.RUN} is in it), or its configuration"
            + (f", which may be {self.target.rstrip('/')}/{meant[0]}" if meant else "")
        )

    def readable(self) -> Storage:
        """As `begun`; what the configuration in its plan names is known: recognisers, formats."""
        from transforms.stages.registrations import load_registrations

        load_registrations()
        return self.begun()


def output_named(
    target: str,
    config: Path | None = None,
    keys: Sequence[str] | None = None,
    output: str | None = None,
) -> NamedOutput:
    """The output that is named, or that the configuration in a file names.

    `config` gives the options of an output's storage. `keys` and `output` change a configuration.
    Raises ConfigError where there is none to change, or there are two.
    """
    from transforms.storage.files import output_storage
    from transforms.storage.shared_labels import opened

    if is_configuration(target):
        if config is not None:
            raise ConfigError(
                f"{target} is a configuration itself: leave out --config {config}, or give the "
                "output folder"
            )
        read = overridden(read_checked(Path(target), keys), output, None)
        return NamedOutput(target, output_storage(read.output), read, target)
    if output is not None or (keys and config is None):
        option = "--output" if output is not None else "--set"
        raise ConfigError(f"{option} changes a configuration: give that, not the output {target}")
    url = located(target)
    if "://" not in url and not Path(url).exists():
        raise FairshardError(
            f"{target} is not there: give the output folder of a run that has begun, or its "
            "configuration"
        )
    if config is None:
        return NamedOutput(target, opened(url, {}))
    read = read_checked(config, keys)
    return NamedOutput(target, opened(url, read.output.storage_options), read, str(config))


def is_configuration(target: str) -> bool:
    """Whether a path is that of a file, or is named as configurations are, and is no folder."""
    if "://" in target:
        return False
    path = Path(local_path(target))
    return not path.is_dir() and (path.exists() or target.endswith(_CONFIGURATIONS))
