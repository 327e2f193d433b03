"""List the formats that outputs are exported in, from their registry, in docs/exports.md."""

from collections.abc import Iterator
from pathlib import Path

from docs.registered import relisted
from transforms.config.exporters import EXPORTERS
from transforms.stages.registrations import load_exporters

PAGE = Path(__file__).with_name("exports.md")
_OURS = "fairshard"
_HEAD = "| format | what it is | needs | in the output |\n| --- | --- | --- | --- |\n"


def rows() -> Iterator[str]:
    """A row for each format that is fairshard's own."""
    load_exporters()
    for name in EXPORTERS:
        exporter = EXPORTERS[name]
        if EXPORTERS.origin(name) == _OURS:
            needs = "`resample`" if exporter.needs_shards else "`solve`"
            place = f"`{exporter.place}/`" if exporter.place else "its root"
            yield f"| `{name}` | {exporter.about} | {needs} | {place} |\n"


def page() -> str:
    """The page, its list made anew."""
    return relisted(PAGE, _HEAD, rows())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
