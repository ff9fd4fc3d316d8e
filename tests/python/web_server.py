"""A web server on loopback (aiohttp) for tests: files with ranges, and some that answer as bad servers do."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

TOKEN = "a-token-that-nobody-may-see"


@dataclass
class WebServer:
    """A running server of a folder's files: below `/files/` as they are, elsewhere with a fault."""

    folder: Path
    root: str = ""
    #: Requests and bytes of answers, by path.
    asked: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)

    def url(self, name: str, place: str = "files") -> str:
        """The address of a file."""
        return f"{self.root}/{place}/{name}"

    async def _files(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(self.folder / request.match_info["name"])

    async def _whole(self, request: web.Request) -> web.StreamResponse:
        """Knows no ranges."""
        return web.Response(body=(self.folder / request.match_info["name"]).read_bytes())

    async def _no_head(self, request: web.Request) -> web.StreamResponse:
        if request.method == "HEAD":
            return web.Response(status=403)
        return await self._files(request)

    async def _faulty(self, request: web.Request) -> web.StreamResponse:
        """Each request fails when it comes first; when it comes again its answer breaks off; then it is answered."""
        asked = f"{request.method} {request.path} {request.headers.get('Range', '')}"
        self.asked[asked] += 1
        if self.asked[asked] == 1:
            return web.Response(status=503)
        if self.asked[asked] > 2 or request.method == "HEAD":
            return await self._files(request)
        answer = web.StreamResponse(status=206, headers={"Content-Length": "1000", "Content-Range": "bytes 0-999/*"})
        await answer.prepare(request)
        await answer.write(b"PAR1")
        assert request.transport is not None
        request.transport.abort()
        return answer

    async def _down(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    async def _moved(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(self.url(request.match_info["name"], "locked"))

    async def _locked(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(status=401)
        return await self._files(request)

    def _app(self) -> web.Application:
        @web.middleware
        async def count(request: web.Request, handler: web.RequestHandler) -> web.StreamResponse:  # type: ignore[type-arg]
            self.asked[request.path] += 1
            answer: web.StreamResponse = await handler(request)  # type: ignore[operator]
            if request.method == "GET":
                self.sent[request.path] += answer.content_length or 0
            return answer

        app = web.Application(middlewares=[count])
        places = {
            "files": self._files,
            "whole": self._whole,
            "no-head": self._no_head,
            "faulty": self._faulty,
            "down": self._down,
            "moved": self._moved,
            "locked": self._locked,
        }
        for place, handler in places.items():
            app.router.add_get(f"/{place}/{{name:.*}}", handler)
        return app


@contextmanager
def web_server(folder: Path) -> Iterator[WebServer]:
    """A server of this test's own, ended with it."""
    server = WebServer(folder)
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(server._app())

    async def start() -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.root = f"http://127.0.0.1:{runner.addresses[0][1]}"

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, name="web-server", daemon=True)
    thread.start()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(timeout=30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=30)
        loop.close()
