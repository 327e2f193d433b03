"""Croissant 1.1 with its terms of responsible AI: files with their digests, figures of bias."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from transforms.base.release import release
from transforms.base.templates import printable
from transforms.config.exporters import EXPORTERS
from transforms.config.writers import DEFAULT_FORMAT
from transforms.exports import statements
from transforms.exports.exported import Exported
from transforms.exports.outcome import ExportOutcome
from transforms.exports.shard_links import link_to, written
from transforms.exports.target import Target
from transforms.outcome.artefacts import Artefacts, read_artefacts
from transforms.storage import paths

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_CONFORMS_TO = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")
_METHOD = "M4 (Multi-Modal Moment Matching, arXiv 2403.04547)"
_OF_AN_IRI = ":/?#[]@!$&'()*+,;=%~"


@dataclass(frozen=True)
class Croissant:
    """Writes croissant.json: a file object for each shard, a line each."""

    name: str = "croissant"
    about: str = "Croissant 1.1 metadata with RAI terms and the sha256 of each shard"
    needs_shards: bool = True
    place: str = ""

    def export(self, exported: Exported, target: Target) -> ExportOutcome:
        """Write the metadata."""
        manifest = written(exported)
        artefacts = read_artefacts(exported.storage)
        about = metadata(artefacts, statements.name_of(exported.storage))
        target.publish(paths.CROISSANT, _document(about, _files(artefacts, exported, target)))
        return ExportOutcome(
            {"samples": manifest.totals.written, "shards": len(manifest.shards)},
            (
                "license, url, creator and datePublished, which Croissant wants, are yours to say; "
                "a file that was changed is not written again",
            ),
        )


def metadata(artefacts: Artefacts, name: str) -> dict[str, Any]:
    """All but the files of an output that is called `name`."""
    attributes = ", ".join(attribute.name for attribute in artefacts.attributes)
    shares = (
        f"Share of {found.title}: {found.before} before, {found.after} after, of {found.meaning}"
        for found in statements.shares(artefacts)
    )
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": list(_CONFORMS_TO),
        "name": printable(name),
        "description": printable(
            f"Image-text samples, rebalanced with {_METHOD}. {statements.counts(artefacts)}"
        ),
        "keywords": ["image-text", "webdataset", "rebalanced"],
        "prov:wasDerivedFrom": [
            {"@type": "prov:Entity", "@id": quote(url, safe=_OF_AN_IRI), "prov:label": url}
            for url in map(printable, statements.sources(artefacts.config))
        ],
        "prov:wasGeneratedBy": {
            "@type": "prov:Activity",
            "prov:label": f"fairshard {release()}, {_METHOD}, plan {artefacts.plan.identity}",
        },
        "rai:dataManipulationProtocol": (
            f"Samples were kept, dropped or repeated by weights that {_METHOD} gives each, at "
            f"{printable(artefacts.plan.rate_in_words)}; no image was edited, no caption rewritten."
        ),
        "rai:machineAnnotationTools": _texts(statements.recognisers(artefacts.config)),
        "rai:personalSensitiveInformation": [
            printable(f"Attributes recognised in the samples: {attributes}")
        ],
        "rai:dataBiases": _texts((*map(str, statements.findings(artefacts)), *shares)),
        "rai:dataLimitations": _texts(statements.limits(artefacts)),
    }


def _files(artefacts: Artefacts, exported: Exported, target: Target) -> Iterable[dict[str, Any]]:
    manifest = artefacts.manifest
    packed = manifest.packing.format
    form = "application/x-tar" if packed == DEFAULT_FORMAT else "application/octet-stream"
    for shard in manifest.shards:
        yield _file(shard.name, form, shard.bytes, shard.sha256, exported, target)
    content = exported.storage.read(paths.MANIFEST)
    digest = hashlib.sha256(content).hexdigest()
    yield _file(paths.MANIFEST, "application/json", len(content), digest, exported, target)


def _file(
    name: str, form: str, size: int, sha256: str, exported: Exported, target: Target
) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": link_to(name, exported, target),
        "contentSize": f"{size} B",
        "encodingFormat": form,
        "sha256": sha256,
    }


def _document(about: dict[str, Any], files: Iterable[dict[str, Any]]) -> bytes:
    """JSON-LD, indented, with a line for each file."""
    head = json.dumps(about, indent=1, ensure_ascii=False).removesuffix("\n}")
    lines = ",\n  ".join(json.dumps(file, ensure_ascii=False) for file in files)
    return f'{head},\n "distribution": [\n  {lines}\n ]\n}}\n'.encode()


def _texts(lines: Iterable[str]) -> list[str]:
    return [printable(line) for line in lines]


EXPORTERS.register(Croissant())
