"""The seam of export formats: what an output is handed over in, beside its shards, by its name."""

from typing import TYPE_CHECKING, Protocol

from transforms.config.registry import Entry, Registry

if TYPE_CHECKING:
    from transforms.exports.exported import Exported
    from transforms.exports.outcome import ExportOutcome
    from transforms.exports.target import Target


class Exporter(Entry, Protocol):
    """Hands an output over in one format.

    The bytes follow from what is exported alone, so that two attempts write the same.
    """

    @property
    def needs_shards(self) -> bool:
        """Whether it is made from the manifest: then `resample` must have run."""

    @property
    def place(self) -> str:
        """The folder of an output in which its reader looks; "" is the output itself."""

    def export(self, exported: "Exported", target: "Target") -> "ExportOutcome":
        """Write all that is not written yet; FairshardError where it cannot be said this way."""


EXPORTERS: Registry[Exporter] = Registry("export format", "fairshard.exporters")
