"""The names of input shards: each made of the shard's own URL alone, so that none hangs on others.

A name is the file's stem, two hyphens and a digest of the URL's normal form. The stem comes first,
for people and for the order of shards, and holds no two hyphens in a row: which of two shards of
other stems comes first does not hang on where they lie.
"""

import posixpath
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import xxhash

from transforms.base.redaction import without_user
from transforms.config.urls import on_the_web


@dataclass(frozen=True)
class FileKind:
    """What files of a corpus are: how they are called, and named, and where in a configuration."""

    thing: str
    key: str
    extensions: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """The extensions, in words."""
        *first, last = self.extensions
        return f"{', '.join(first)} or {last}"

    def names(self, path: str) -> bool:
        """Whether the file of a path, or of a URL's path, is named as one."""
        return path_of(path).lower().endswith(self.extensions)


SHARDS = FileKind("shard", "input.shards", (".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst"))
TABLES = FileKind("table", "input.tables", (".parquet", ".pq"))

_DIGEST = 12
_LONGEST_STEM = 40
_EXTENSION = re.compile(
    rf"({'|'.join(map(re.escape, (*SHARDS.extensions, *TABLES.extensions)))})\Z", re.I
)
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_NAME = re.compile(rf"(.+)--[0-9a-f]{{{_DIGEST}}}")
_PORTS = {"http": ":80", "https": ":443"}
_SIGNING = re.compile(
    r"x-(amz|goog|oss|cos|ms)-.*|.*(signature|token|secret|credential).*|expires|policy|"
    r"(aws|oss)accesskeyid|googleaccessid|key-pair-id|response-content-.*",
    re.I,
)
_OF_AZURE = re.compile("s[vretp]|spr|sip|sig|ss|srt|skoid|sktid|sk[tesv]")


def path_of(url: str) -> str:
    """A URL without its query, where it is one of a web server; all else as it is."""
    return url.partition("?")[0] if on_the_web(url) else url


def beside(url: str, extension: str) -> str:
    """The URL of the file beside a shard that has its name and another extension."""
    path = path_of(url)
    return f"{_EXTENSION.sub(extension, path)}{url[len(path) :]}"


def normal_form(url: str) -> str:
    """The one spelling of a URL, without user, password and what only signs it for a time.

    Of local paths, `//` and `/./` become `/`; links and `..` are the caller's.
    """
    if on_the_web(url):
        parts = urlsplit(without_user(url))
        scheme = parts.scheme.lower()
        host = parts.netloc.lower().removesuffix(_PORTS[scheme])
        return urlunsplit((scheme, host, parts.path, _lasting(parts.query), ""))
    return without_user(url) if "://" in url else f"/{posixpath.normpath(url).lstrip('/')}"


def name_of(url: str) -> str:
    """The name of the shard at `url`: at most 54 bytes, safe on disks and in object stores."""
    normal = normal_form(url)
    file = file_stem(normal)
    readable = re.sub("-{2,}", "-", _UNSAFE.sub("_", file)[-_LONGEST_STEM:])
    digest = xxhash.xxh3_64_hexdigest(normal.encode("utf-8", "surrogatepass"))[:_DIGEST]
    return f"{readable.strip('.-') or 'shard'}--{digest}"


def file_stem(url: str) -> str:
    """The name of the file at `url`, without what says that it is a shard."""
    return _EXTENSION.sub("", path_of(url)).rsplit("/", 1)[-1]


def stem_of(name: str) -> str:
    """A name without the digest: what the draw goes by, which a corpus that moves must not change.

    Names that fairshard once gave hold no digest, and are their own stems.
    """
    found = _NAME.fullmatch(name)
    return found[1] if found else name


def _lasting(query: str) -> str:
    """The part of a query that says which file is meant, not who may read it, and until when."""
    given = parse_qsl(query, keep_blank_values=True)
    signs = [_SIGNING, _OF_AZURE] if "sig" in dict(given) else [_SIGNING]
    kept = [pair for pair in given if not any(sign.fullmatch(pair[0]) for sign in signs)]
    return urlencode(kept, errors="surrogatepass")
