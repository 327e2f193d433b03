"""The tables and embeddings of a configuration: can their files be found?"""

from collections.abc import Iterator

from jobs.begin.diagnosis.finding import Finding, missing, ok
from jobs.begin.diagnosis.storages import unreachable
from transforms.base.counts import counted
from transforms.base.errors import FairshardError
from transforms.config.sections import Config
from transforms.config.tables import RowSource
from transforms.tables.sources import rows_of


def check_tables(config: Config) -> Iterator[Finding]:
    """Whether the files of each are found."""
    sources: dict[str, RowSource] = {
        f"tables.{name}": source for name, source in config.tables.items()
    }
    sources |= {f"embeddings.{name}": source for name, source in config.embeddings.items()}
    for rows in rows_of(config):
        section = rows.name if rows.name in sources else f"tables.{rows.name}"
        keys, url = f"{section}.url and {section}.storage_options", sources[section].url[0]
        try:
            files = [file for file in rows.files() if not file.part]
        except FairshardError as error:
            if isinstance(error.__cause__, ImportError):
                yield unreachable(section, url, error.__cause__, keys)
            else:
                yield missing(section, str(error), f"correct {section}.url")
        except Exception as error:  # storage libraries raise exceptions of their own
            yield unreachable(section, url, error, keys)
        else:
            size = sum(file.bytes for file in files)
            yield ok(section, f"{counted(len(files), 'file')}, {size / 1e6:,.1f} MB")
