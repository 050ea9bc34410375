"""What no file of somebody else may reach: a server that logs what it is asked, and a file that is not read."""

from __future__ import annotations

import http.server
import os
import threading
from contextlib import contextmanager


class Outside:
    """A server on this machine and a file; afterwards ``asked`` lists the requests, ``was_read`` whether it was."""

    def __init__(self, folder):
        self.asked = []
        self.file = folder / "geheim.bin"
        self.file.write_bytes(bytes(range(256)) * 16)
        os.utime(self.file, (1, self.file.stat().st_mtime))
        asked = self.asked

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(f"{self.command} {self.path}")
                self.send_error(404)

            do_HEAD = do_POST = do_GET

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @property
    def was_read(self):
        """A file that was never read keeps the time of reading that was set."""
        return os.stat(self.file).st_atime != 1


@contextmanager
def unreached(folder):
    """Fail if what stands outside is reached meanwhile."""
    outside = Outside(folder)
    thread = threading.Thread(target=outside.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield outside
    finally:
        outside.server.shutdown()
        outside.server.server_close()
    assert outside.asked == [] and not outside.was_read
