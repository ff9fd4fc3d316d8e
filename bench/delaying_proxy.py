"""Passes connections to a server on this machine on, and holds each answer back, as a store does that is far away.

    python bench/delaying_proxy.py SERVER_PORT MILLISECONDS

Prints its own port, then for each second with requests how many they were and how many waited at once at most. A
request is what a client sends after an answer; one connection has one at a time, as HTTP/1.1 has.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import suppress


class Proxy:
    """Counts what passes."""

    def __init__(self, port: int, seconds: float) -> None:
        self.port = port
        self.seconds = seconds
        self.requests = 0
        self.waiting = 0
        self.most_waiting = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client."""
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self.port)
        asked: list[float] = []  # When the request that waits began.
        try:
            await asyncio.gather(self._ask(reader, to_server, asked), self._answer(from_server, writer, asked))
        finally:
            self.waiting -= len(asked)

    async def _ask(self, client: asyncio.StreamReader, server: asyncio.StreamWriter, asked: list[float]) -> None:
        with suppress(ConnectionError):
            while data := await client.read(1 << 16):
                if not asked:
                    asked.append(time.monotonic())
                    self.requests += 1
                    self.waiting += 1
                    self.most_waiting = max(self.most_waiting, self.waiting)
                server.write(data)
                await server.drain()
        server.close()

    async def _answer(self, server: asyncio.StreamReader, client: asyncio.StreamWriter, asked: list[float]) -> None:
        with suppress(ConnectionError):
            while data := await server.read(1 << 18):
                if asked:
                    await asyncio.sleep(asked[0] + self.seconds - time.monotonic())
                    asked.clear()
                    self.waiting -= 1
                client.write(data)
                await client.drain()
        client.close()


async def main() -> None:
    proxy = Proxy(int(sys.argv[1]), float(sys.argv[2]) / 1000)
    async with await asyncio.start_server(proxy.serve, "127.0.0.1", 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        while True:
            await asyncio.sleep(1)
            if proxy.requests:
                print(f"{proxy.requests} requests, {proxy.most_waiting} at once", flush=True)
            proxy.requests, proxy.most_waiting = 0, proxy.waiting


if __name__ == "__main__":
    asyncio.run(main())
