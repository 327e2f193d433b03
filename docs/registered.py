"""List what is registered, from the registries, in docs/extending.md: `make docs`."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipelines.registry import ENGINES
from transforms.config.balancers import BALANCERS, in_order
from transforms.config.exporters import EXPORTERS
from transforms.config.recognisers import RECOGNISERS
from transforms.config.writers import WRITERS
from transforms.stages.registrations import load_balancers, load_exporters, load_registrations

PAGE = Path(__file__).with_name("extending.md")
_OURS = "fairshard"
_HEAD = "| | name | what it is |\n| --- | --- | --- |\n"


def rows() -> Iterator[str]:
    """A row for each entry of each registry that is fairshard's own."""
    load_registrations()
    load_balancers()
    load_exporters()
    for registry in (RECOGNISERS, ENGINES, WRITERS, EXPORTERS, BALANCERS):
        for name in in_order() if registry is BALANCERS else registry:
            if registry.origin(name) == _OURS:
                yield f"| {registry.kind} | `{name}` | {registry[name].about} |\n"


def page() -> str:
    """The page, its list made anew."""
    return relisted(PAGE, _HEAD, rows())


def relisted(page: Path, head: str, rows: Iterable[str]) -> str:
    """A page whose first table with that `head` is made of these `rows`."""
    table = head + "".join(rows)
    listed = re.compile(re.escape(head) + r"(\|.*\n)*")
    return listed.sub(lambda _: table, page.read_text(encoding="utf-8"), count=1)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
