"""A web server on loopback that gives files, with ranges, to those who know its password."""

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@contextmanager
def protected(
    folder: Path, user: str, password: str, asked: Callable[[], None]
) -> Iterator[tuple[str, int]]:
    """Host and port of a server of `folder`, which calls `asked` at each request."""
    credentials = base64.b64encode(f"{user}:{password}".encode()).decode()

    class Handler(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            asked()
            if self.headers["Authorization"] != f"Basic {credentials}":
                self.send_error(401)
                return
            path = Path(self.translate_path(self.path))
            if not path.is_file():
                self.send_error(404)
                return
            content = path.read_bytes()
            whole = len(content)
            first, last = 0, whole - 1
            if given := self.headers["Range"]:
                begin, _, end = given.removeprefix("bytes=").partition("-")
                first, last = int(begin), min(int(end or last), last)
            self.send_response(206 if given else 200)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Range", f"bytes {first}-{last}/{whole}")
            self.send_header("Content-Length", str(last + 1 - first))
            self.end_headers()
            if body:
                self.wfile.write(content[first : last + 1])

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    def at(*given: Any) -> Handler:
        return Handler(*given, directory=str(folder))

    with ThreadingHTTPServer(("127.0.0.1", 0), at) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield "127.0.0.1", server.server_address[1]
        server.shutdown()
