"""The page of a preview: one self-contained HTML file, with small pictures of samples."""

from dataclasses import dataclass

from transforms.base.templates import environment
from transforms.config.recognisers import SOURCES
from transforms.config.sections import Config
from transforms.preview.preview import Example, Preview, PreviewedName
from transforms.report.pictures import Thumbnail, Thumbnails

_MOST_NAMES = 60


@dataclass(frozen=True)
class PreviewPicture:
    """A sample that carries a name, as the page shows it."""

    example: Example
    thumbnail: Thumbnail


def preview_page(found: Preview, config: Config) -> str:
    """The page; pictures of the first sixty names are read again from the shards."""
    thumbnails = Thumbnails(config, config.input.storage_options)
    gallery = [
        (one, [PreviewPicture(each, thumbnails.of(each.location)) for each in one.examples])
        for one in found.names[:_MOST_NAMES]
        if one.examples
    ]
    templates = environment(__package__)
    templates.filters |= {"count": lambda value: f"{value:,}"}
    return templates.get_template("preview.html.j2").render(
        preview=found,
        gallery=gallery,
        sources=[s for s in SOURCES if any(s in one.by_source for one in found.names)],
        several=_several(found),
        rejected=sum(kind.samples for kind in found.rejected),
    )


def _several(found: Preview) -> list[PreviewedName]:
    return [one for one in found.names if len(one.by_source) > 1]
