"""An HTTP server of our own, which fails as servers do."""

import contextlib
import hashlib
import http.server
import threading
import time

from attn.corpora.download import Remote

PIECE = 20_000  # bytes that are sent at once


class Server:
    """What is asked of it, and how it is to answer.

    ``cuts`` are the bytes after which it breaks off, of one request after another; ``ranges`` is
    whether it can go on from a place, ``moved`` what it sends elsewhere, ``pause`` the
    seconds between one piece and the next.
    """

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.files, self.moved, self.asked, self.pause = {}, {}, [], 0
        self.cuts, self.ranges, self.seal, self.wait = [], True, '"one"', threading.Event()
        self.wait.set()

    def remote(self, name, content, **options):
        """A file that it has from now on."""
        self.files[f"/{name}"] = content
        options.setdefault("checksum", f"sha256:{hashlib.sha256(content).hexdigest()}")
        return Remote(f"{self.url}/{name}", **options)

    @property
    def places(self):
        """From where it was asked to send, request by request."""
        return [headers.get("Range") for _, headers in self.asked]

    def answer(self, path, headers):
        """Status, headers and content for a request."""
        self.asked.append((path, dict(headers)))
        self.wait.wait(10)
        if path in self.moved:
            return 302, {"Location": self.moved[path]}, b""
        content = self.files.get(path)
        if content is None:
            return 404, {}, b""
        sealed = {"ETag": self.seal} if self.seal else {}
        place = headers.get("Range")
        if not place or not self.ranges or headers.get("If-Range", self.seal) != self.seal:
            return 200, sealed, content
        start = int(place.removeprefix("bytes=").removesuffix("-"))
        if start >= len(content):
            return 416, {"Content-Range": f"bytes */{len(content)}"}, b""
        span = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return 206, {**sealed, "Content-Range": span}, content[start:]


@contextlib.contextmanager
def serving():
    """A server in a thread."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, headers, content = server.answer(self.path, self.headers)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            cut = server.cuts.pop(0) if server.cuts else None
            with contextlib.suppress(OSError):  # whoever asked may be gone
                for start in range(0, len(content[:cut]), PIECE):
                    self.wfile.write(content[:cut][start : start + PIECE])
                    time.sleep(server.pause)

        def log_message(self, *said):
            """Nothing is said."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        server = Server(httpd.server_port)
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.wait.set()
            httpd.shutdown()
            thread.join()
