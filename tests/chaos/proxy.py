"""A TCP proxy that loses connections: cut, or half-open, which only one side notices."""

import contextlib
import select
import socket
import threading
from collections.abc import Iterator


class Proxy:
    """Stands between clients and a port of this machine."""

    def __init__(self, target: int) -> None:
        self.target = target
        self._ends = threading.Event()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._forgotten: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def forget(self) -> None:
        """
        Leave every connection half-open: what its client sends is swallowed from now on, and
        nothing ever comes back, not even an end. New connections work.
        """
        with self._lock:
            self._forgotten |= {client for client, _ in self._pairs}

    def cut(self) -> None:
        """Break every connection; new ones work."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._ends.set()
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while not self._ends.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self.target), timeout=2)
        except OSError:
            client.close()
            return
        pair = (client, server)
        with self._lock:
            self._pairs.add(pair)
        try:
            self._pump(client, server)
        except OSError:
            pass
        finally:
            with self._lock:
                self._pairs.discard(pair)
                self._forgotten.discard(client)
            client.close()
            server.close()

    def _pump(self, client: socket.socket, server: socket.socket) -> None:
        while not self._ends.is_set():
            ends = [client] if client in self._forgotten else [client, server]
            ready, _, _ = select.select(ends, [], [], 0.1)
            for end in ready:
                data = end.recv(65536)
                if not data:
                    return
                if client not in self._forgotten:
                    (server if end is client else client).sendall(data)


@contextlib.contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    made = Proxy(target)
    try:
        yield made
    finally:
        made.close()
