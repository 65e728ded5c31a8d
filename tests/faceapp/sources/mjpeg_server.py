"""An HTTP server on this machine that behaves as a network camera does: sends JPEGs, is cut, hangs, talks rubbish."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from types import TracebackType

import cv2
import numpy as np

BOUNDARY = "frame"


class MjpegServer:
    """Sends numbered JPEGs to whoever connects.

    Attributes:
        mode: "pictures", "silence" (accepts and never answers), "unbounded" (as some cameras, no boundary before the first
            picture), "rubbish" (answers no HTTP), "text" (a web page) or
            "refuse" (401).
        sent: Pictures sent so far.
        requests: First lines and headers of the requests.
    """

    def __init__(self, mode: str = "pictures", period_s: float = 0.03) -> None:
        self.mode = mode
        self.sent = 0
        self.requests: list[str] = []
        self._period_s = period_s
        self._socket: socket.socket | None = None
        self._clients: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.port = 0

    def start(self) -> None:
        """Listen; after a `stop`, on the same port again."""
        self._socket = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
        self.port = self._socket.getsockname()[1]
        self._start(self._accept, self._socket)

    def stop(self) -> None:
        """Cut every connection and refuse new ones."""
        listening, self._socket = self._socket, None
        for connection in [listening, *self._clients]:
            if connection is not None:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                connection.close()
        self._clients.clear()
        for thread in self._threads:
            thread.join(5)
        self._threads.clear()

    def url(self, user: str = "") -> str:
        """The address, with "user:password" where given."""
        return f"http://{user}{'@' if user else ''}127.0.0.1:{self.port}/video"

    def __enter__(self) -> MjpegServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self, target, *arguments) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            self._clients.append(client)
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        try:
            self.requests.append(client.recv(4096).decode("latin-1"))
            if self.mode == "silence":
                client.recv(1)
            elif self.mode == "rubbish":
                client.sendall(bytes(range(256)) * 100)
            elif self.mode == "text":
                client.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>camera settings</html>"
                    + b" " * 4000
                )
            elif self.mode == "refuse":
                client.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
            else:
                self._send_pictures(client)
        except OSError:
            pass
        finally:
            if self.mode in ("rubbish", "text", "refuse"):
                client.close()

    def _send_pictures(self, client: socket.socket) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary={BOUNDARY}\r\n\r\n"
        client.sendall(head.encode())
        sent = 0
        while True:
            picture = np.zeros((96, 128, 3), np.uint8)
            picture[..., 2] = 200  # red, as OpenCV encodes BGR
            content = cv2.imencode(".jpg", picture)[1].tobytes()
            first = self.mode == "unbounded" and not sent
            sent += 1
            part = ("" if first else f"--{BOUNDARY}\r\n") + "Content-Type: image/jpeg\r\n"
            part += f"Content-Length: {len(content)}\r\n\r\n"
            client.sendall(part.encode() + content + b"\r\n")
            self.sent += 1
            time.sleep(self._period_s)
