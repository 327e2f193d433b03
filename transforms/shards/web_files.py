"""Files on web servers, of which some give a file from its beginning only."""

import io
from typing import Any

from transforms.config.urls import on_the_web

_STEP_BYTES = 2**20
_SECONDS_WITHOUT_A_BYTE = 60
_MISSING = (404, 410)


def as_told(error: Exception, url: str) -> Exception:
    """What a storage said of the file at `url`.

    Of one on a web server fsspec says that it is not there whatever the server answered, and where
    there is none: its answer is the cause.
    """
    told = error.__cause__ if isinstance(error, FileNotFoundError) and on_the_web(url) else None
    missing = getattr(told, "status", None) in _MISSING
    return told if isinstance(told, Exception) and not missing else error


class WebFile(io.RawIOBase):
    """The file at `path`: by ranges of `block_bytes` where the server knows them, else forward.

    A file that is read forward is read again from its beginning where a reader goes back. `size` is
    None where the server does not tell it.
    """

    def __init__(self, system: Any, path: str, block_bytes: int) -> None:
        self._system = system
        self._path = path
        self._position = 0
        self._source = system.open(path, "rb", cache_type="readahead", block_size=block_bytes)
        self.size: int | None = self._source.size
        self._ranges = self.size is not None
        self._streaming = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END and self.size is None:
            raise io.UnsupportedOperation("the server does not tell where the file ends")
        start = {io.SEEK_CUR: self._position, io.SEEK_END: self.size or 0}.get(whence, 0)
        self._position = start + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        data = self._ranged(len(buffer)) if self._ranges else self._forward(len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()

    def _ranged(self, count: int) -> bytes:
        try:
            self._source.seek(self._position)
            return bytes(self._source.read(count))
        except ValueError:  # fsspec's, of a server that answers a range with the whole file
            self._ranges = False
            return self._forward(count)

    def _forward(self, count: int) -> bytes:
        if not self._streaming or self._source.tell() > self._position:
            self._begin_again()
        while (ahead := self._position - self._source.tell()) > 0:
            if not self._source.read(min(ahead, _STEP_BYTES)):
                return b""
        return bytes(self._source.read(count))

    def _begin_again(self) -> None:
        from aiohttp import ClientTimeout  # comes with fsspec's HTTP

        self._source.close()
        headers = {**self._system.kwargs.get("headers", {}), "Accept-Encoding": "identity"}
        patience = ClientTimeout(total=None, sock_read=_SECONDS_WITHOUT_A_BYTE)
        self._source = self._system.open(
            self._path, "rb", block_size=0, size=1, headers=headers, timeout=patience
        )
        self._streaming = True
