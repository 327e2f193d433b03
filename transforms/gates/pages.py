"""Data docs as pages that open without a network and run no script."""

from collections.abc import Sequence
from importlib import resources

from transforms.base.templates import environment
from transforms.gates.result_file import ResultFile
from transforms.storage import paths

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'"
_HOME = paths.DATA_DOCS.rpartition("/")[2]


def table_page(title: str, sections: Sequence[str]) -> str:
    """A page of data docs: what was expected of a table and found, in `sections` of HTML."""
    page = environment(__package__).get_template("gate_table.html.j2")
    return page.render(title=title, sections=sections, home=_HOME, policy=_POLICY, style=_style())


def index_page(results: Sequence[ResultFile]) -> str:
    """The first page of the data docs: each gate's verdict, and links to its tables."""
    page = environment(__package__).get_template("gates.html.j2")
    return page.render(results=results, policy=_POLICY, style=_style())


def _style() -> str:
    return resources.files(__package__).joinpath("templates/gates.css").read_text("utf-8")
