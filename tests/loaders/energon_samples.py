"""What Energon's users write to load samples as they are: of a module, as its workers pickle."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from megatron.energon import (
    Cooker,
    DefaultTaskEncoder,
    Sample,
    WorkerConfig,
    edataclass,
    get_loader,
    get_val_dataset,
    stateless,
)
from megatron.energon.task_encoder.cooking import basic_sample_keys

from fairshard.loaders.energon import WeightedSamples


@edataclass
class Raw(Sample):
    """A sample with its files, by extension."""

    members: dict[str, bytes]


@stateless
def cooked(sample: dict[str, Any]) -> Raw:
    """The sample that a dictionary of Energon's is."""
    members = {name: value for name, value in sample.items() if name[0] != "_"}
    return Raw(**basic_sample_keys(sample), members=members)


class Encoder(DefaultTaskEncoder):  # type: ignore[misc, type-arg]
    """Leaves samples as they are."""

    cookers = (Cooker(cooked),)
    decoder = None


class WeightedEncoder(Encoder):
    """Keeps and repeats samples by weights."""

    def __init__(self, kept: WeightedSamples) -> None:
        super().__init__()
        self.kept = kept

    @stateless
    def preencode_sample(self, sample: Raw) -> Iterator[Raw]:
        yield from self.kept.copies_of(sample)


def loaded(folder: Path, encoder: Encoder, workers: int = 0, nodes: int = 1) -> Iterator[Raw]:
    """What all nodes load together of a prepared folder, each sample once."""
    for rank in range(nodes):
        dataset = get_val_dataset(
            folder,
            split_part="train",
            worker_config=WorkerConfig(rank=rank, world_size=nodes, num_workers=workers),
            batch_size=None,
            task_encoder=encoder,
        )
        yield from get_loader(dataset)
