"""How many copies of each sample an output holds: exported weights, read as shards are met."""

from collections import OrderedDict
from collections.abc import Mapping
from os import PathLike, fspath
from typing import Any

import pyarrow.compute as pc

from fairshard.loaders.shard_weights import ShardWeights, read_column, read_weights
from fairshard.loaders.sources import shard_named
from transforms.base.counts import first_of
from transforms.base.errors import FairshardError
from transforms.base.local_paths import local_path
from transforms.base.redaction import redacted_url
from transforms.base.visible import visible
from transforms.generations.on_file import plans_by_generation
from transforms.plan.plan_file import plan_file_from
from transforms.shards.naming import stem_of
from transforms.storage import paths
from transforms.storage.files import Storage

_SUFFIX = ".parquet"
_NAMED = 3
_OF_A_PROCESS = ("_of_shard", "_shard_of", "_loaded")


class CorpusWeights:
    """The weights of a corpus: what `fairshard export OUTPUT weights` wrote.

    url: the folder of the export, or the output that it lies in; storage_options: those of its file
    system. The weights of a shard are read as it is met, and those of the last shards_in_memory
    stay, for loaders that have several open at once. Workers may be forked or spawned.

    FairshardError where no weights are there.
    """

    def __init__(
        self,
        url: str | PathLike[str],
        *,
        storage_options: Mapping[str, Any] | None = None,
        shards_in_memory: int = 16,
    ) -> None:
        place = fspath(url)
        place = place if "://" in place else local_path(place)
        self._storage = Storage(place, dict(storage_options or {}))
        self._folder, self._files = self._found()
        self._by_stem: dict[str, list[str]] = {}
        for name in self._files:
            self._by_stem.setdefault(stem_of(name), []).append(name)
        self._plans = self._plans_of_output() if self._folder else {}
        self._told = bool(self._plans)
        self._shards_in_memory = max(shards_in_memory, 1)
        self._forget()

    def copies(self, shard: str, key: str) -> int:
        """The copies of a sample that the output holds; 0 of what it drops or could not label.

        shard: the URL or path that the sample is read from, whatever reads it; where the corpus was
        moved since, its file's name alone tells. Raises FairshardError where there are no weights
        of that shard, or they are of another one.
        """
        return self._of(shard).copies_of(key)

    def samples(self) -> int:
        """How many samples the output holds, repeats among them; this reads all weights."""
        return sum(
            pc.sum(read_column(self._storage, self._in(file), "copies")).as_py() or 0
            for file in self._files.values()
        )

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in _OF_A_PROCESS}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._forget()

    def __repr__(self) -> str:
        return f"CorpusWeights({redacted_url(self._storage.path(self._folder))!r})"

    def _found(self) -> tuple[str, dict[str, str]]:
        """The folder that the weights are in, and their files by what these are named after."""
        for folder in (paths.export("weights"), ""):
            names = [n for n in self._storage.names(folder) if n.endswith(_SUFFIX)]
            if names:
                return folder, {name.removesuffix(_SUFFIX): name for name in names}
        raise FairshardError(
            f"{redacted_url(self._storage.url)} holds no weights (*{_SUFFIX}): write them with "
            "`fairshard export OUTPUT weights`, and name that output, or the folder of its --to"
        )

    def _plans_of_output(self) -> dict[int, str]:
        """The identities of the plans of the output that the weights lie in, by the number of their
        generation; none where none tells.
        """
        if grown := plans_by_generation(self._storage):
            return grown
        if (content := self._storage.find(paths.PLAN)) is None:
            return {}
        try:
            return {0: plan_file_from(content, paths.PLAN).identity}
        except (FairshardError, ValueError, KeyError):
            return {}

    def _forget(self) -> None:
        self._of_shard: dict[str, str] = {}
        self._shard_of: dict[str, str] = {}
        self._loaded: OrderedDict[str, ShardWeights] = OrderedDict()

    def _of(self, source: str) -> ShardWeights:
        shard = shard_named(source)
        name = self._of_shard.get(shard) or self._named(shard, source)
        if name not in self._loaded:
            self._loaded[name] = self._read(name)
        self._loaded.move_to_end(name)
        while len(self._loaded) > self._shards_in_memory:
            self._loaded.popitem(last=False)
        return self._loaded[name]

    def _named(self, shard: str, source: str) -> str:
        """What the file of a shard's weights is named after: all of its name, or the stem."""
        whole = shard.lstrip("_")
        alike = [whole] if whole in self._files else self._by_stem.get(stem_of(whole), [])
        if len(alike) != 1:
            raise self._unknown(source, alike)
        other = self._shard_of.setdefault(alike[0], shard)
        if other != shard:
            raise FairshardError(
                f"{self._shown(alike[0])} is of one shard, and two are loaded that have its name, "
                f"the other being {visible(source)}: load the corpus that the weights are of"
            )
        self._of_shard[shard] = alike[0]
        return alike[0]

    def _read(self, name: str) -> ShardWeights:
        weights = read_weights(self._storage, self._in(self._files[name]))
        if not self._told:
            self._plans.setdefault(weights.generation, weights.plan)
        if self._plans.get(weights.generation) != weights.plan:
            raise FairshardError(
                f"{weights.file} is of another plan than the weights beside it, or than the output "
                "has by now: write all of them again with `fairshard export OUTPUT weights`"
            )
        return weights

    def _unknown(self, source: str, alike: list[str]) -> FairshardError:
        if alike:
            return FairshardError(
                f"which weights are those of {visible(source)} cannot be told by its name, as "
                f"{first_of([self._shown(name) for name in alike], _NAMED)} may be: load the "
                "shards from where they were labelled, or say `shard=`, a function that tells the "
                "URL which a sample's shard had there"
            )
        return FairshardError(
            f"there are no weights of {visible(source)} in {redacted_url(self._storage.url)}, only "
            f"those of {first_of(sorted(self._files), _NAMED)}: load the corpus that the weights "
            "are of, or export those of this one"
        )

    def _shown(self, name: str) -> str:
        return redacted_url(self._storage.path(self._in(self._files[name])))

    def _in(self, file: str) -> str:
        return f"{self._folder}/{file}" if self._folder else file
