"""A server on 127.0.0.1 that behaves well or badly, by the first part of the path. Prints its port; ends with its input.

Usage: mirror.py FOLDER: /good/NAME is FOLDER/NAME, /cut/NAME its first half, /other/NAME another gzip file.
"""
import gzip
import http.server
import os
import sys
import threading
import time


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, data, length=None):
        self.send_response(200)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        kind, name = self.path.strip("/").split("/", 1)
        path = os.path.join(sys.argv[1], os.path.basename(name))
        data = open(path, "rb").read() if os.path.exists(path) else b"\x1f\x8b"
        try:
            if kind == "good":
                self.answer(data)
            elif kind == "cut":
                self.answer(data[: len(data) // 2])
            elif kind == "broken":
                self.answer(data[:100], length=len(data) + 100)
            elif kind == "other":
                self.answer(gzip.compress(b"something else"))
            elif kind == "silent":
                time.sleep(5)
            elif kind == "endless":
                self.send_response(200)
                self.end_headers()
                while True:
                    self.wfile.write(bytes(1 << 20))
            else:
                self.send_error(404)
        except OSError:
            pass

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
