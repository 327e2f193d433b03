"""A server on loopback that tells of unfinished uploads as S3 does: by pages, in order of key."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

PAGE = 2
_UPLOADS = """<ListMultipartUploadsResult><IsTruncated>{more}</IsTruncated>
<NextKeyMarker>{last}</NextKeyMarker><NextUploadIdMarker>{last}</NextUploadIdMarker>
{found}</ListMultipartUploadsResult>"""
_UPLOAD = "<Upload><Key>{key}</Key><UploadId>{key}</UploadId></Upload>"
_NO_OBJECTS = "<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>"


@contextmanager
def answering(uploads: dict[str, None]) -> Iterator[str]:
    """The URL of a store without objects, with unfinished `uploads` by key, which it gives up."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
            if "uploads" not in asked:
                self._answer(200, _NO_OBJECTS)
                return
            prefix, after = (asked.get(name, [""])[0] for name in ("prefix", "key-marker"))
            found = sorted(key for key in uploads if key.startswith(prefix) and key > after)
            page = found[:PAGE]
            more = str(len(found) > PAGE).lower()
            listed = "".join(_UPLOAD.format(key=key) for key in page)
            self._answer(200, _UPLOADS.format(more=more, last=(page or [""])[-1], found=listed))

        def do_HEAD(self) -> None:
            self._answer(404)

        def do_DELETE(self) -> None:
            uploads.pop(unquote(urlsplit(self.path).path).split("/", 2)[2])
            self._answer(204)

        def log_message(self, format: str, *values: Any) -> None:
            """Nothing."""

        def _answer(self, status: int, text: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
