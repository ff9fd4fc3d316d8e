"""The part of the Hugging Face hub's interface that reads, on loopback: trees in pages, files by range, and a place
apart for large files.

test_huggingface.py holds it against the hub's own client.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

TOKEN = "hf_SecretThatNobodyMaySee"
_PAGE = 3
_LARGE = 1000
_FILE = re.compile(r"/(?:(datasets|spaces)/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
_API = re.compile(r"/api/(datasets|spaces|models)/([^/]+/[^/]+)(?:/(revision|tree|paths-info)/([^/]+)(?:/(.+))?)?")


@dataclass
class Hub:
    """Repositories by kind and name, their revisions, and the files of each commit."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    revisions: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    private: set[str] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)
    #: What came with requests for large files, and with the others.
    keys_elsewhere: set[str | None] = field(default_factory=set)
    keys: set[str | None] = field(default_factory=set)
    endpoint: str = ""
    elsewhere: str = ""

    def commit(self, name: str, files: dict[str, bytes], *, kind: str = "datasets", revision: str = "main") -> str:
        """A new commit of a repository; returns its hash."""
        known = self.revisions.setdefault((kind, name), {})
        sha = hashlib.sha1(f"{kind} {name} {revision} {len(self.commits)}".encode()).hexdigest()
        self.commits[sha] = files
        known[revision] = known[sha] = sha
        return sha


def oid(content: bytes) -> str:
    """The name that git gives a content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def described(path: str, content: bytes) -> dict[str, Any]:
    """A file as a tree shows it."""
    entry = {"type": "file", "oid": oid(content), "size": len(content), "path": path}
    if len(content) >= _LARGE:
        entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
    return entry


def tree(files: dict[str, bytes], folder: str, *, recursive: bool) -> list[dict[str, Any]]:
    """What lies in a folder, or below it."""
    found: dict[str, dict[str, Any]] = {}
    start = f"{folder}/" if folder else ""
    for path, content in files.items():
        if not path.startswith(start):
            continue
        parts = path[len(start) :].split("/")
        for depth in range(1, len(parts)):
            above = start + "/".join(parts[:depth])
            if recursive or depth == 1:
                found[above] = {"type": "directory", "oid": oid(above.encode()), "size": 0, "path": above}
        if recursive or len(parts) == 1:
            found[path] = described(path, content)
    return [found[path] for path in sorted(found)]


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_content(self, content: bytes, **headers: str) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked is None:
            self.answer(200, content, Accept_Ranges="bytes", **headers)
            return
        first, last = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
        if first > last:
            self.answer(416, Content_Range=f"bytes */{len(content)}")
            return
        told = f"bytes {first}-{last}/{len(content)}"
        self.answer(206, content[first : last + 1], Content_Range=told, **headers)

    def log_message(self, *_: object) -> None:
        pass


class _Elsewhere(_Answers):
    """Large files, by their hash."""

    def do_GET(self) -> None:
        self.hub.keys_elsewhere.add(self.headers.get("Authorization"))
        wanted = urlsplit(self.path).path.strip("/")
        for files in self.hub.commits.values():
            for content in files.values():
                if hashlib.sha256(content).hexdigest() == wanted:
                    self.send_content(content, ETag='"of-another-make"')
                    return
        self.answer(404)

    do_HEAD = do_GET  # noqa: N815


class _Hub(_Answers):
    def do_GET(self) -> None:
        self.reply({})

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        self.reply(json.loads(body) if body.startswith("{") else parse_qs(body))

    def reply(self, form: dict[str, Any]) -> None:
        self.hub.keys.add(self.headers.get("Authorization"))
        url = urlsplit(self.path)
        if (match := _API.fullmatch(url.path)) is not None:
            kind, name, what, revision, path = match.groups()
        elif (match := _FILE.fullmatch(url.path)) is not None:
            kind, name, revision, path = match.groups()
            kind, what = kind or "models", "resolve"
        else:
            self.answer(404)
            return
        if name in self.hub.renamed:
            self.answer(307, Location=self.path.replace(name, self.hub.renamed[name]))
            return
        known = self.hub.revisions.get((kind, name))
        is_open = name not in self.hub.private or self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if known is None or not is_open:
            self.answer(401, X_Error_Code="RepoNotFound", X_Error_Message="Repository not found")
            return
        commit = known.get(unquote(revision or "main"))
        if commit is None:
            self.answer(404, X_Error_Code="RevisionNotFound", X_Error_Message="Invalid rev id")
            return
        self.of_commit(what, name, commit, unquote(path or ""), parse_qs(url.query), form)

    def of_commit(
        self, what: str | None, name: str, commit: str, path: str, query: dict[str, list[str]], form: dict[str, Any]
    ) -> None:
        files = self.hub.commits[commit]
        if what == "tree":
            self.send_tree(files, path, query)
        elif what == "paths-info":
            shown = [entry for entry in tree(files, "", recursive=True) if entry["path"] in form["paths"]]
            self.answer(200, json.dumps(shown).encode(), Content_Type="application/json")
        elif what == "resolve":
            self.send_file(files, path, commit)
        else:
            info = {"id": name, "sha": commit, "private": False, "tags": [], "downloads": 0, "likes": 0}
            self.answer(200, json.dumps(info).encode(), Content_Type="application/json")

    def send_tree(self, files: dict[str, bytes], folder: str, query: dict[str, list[str]]) -> None:
        found = tree(files, folder, recursive=query.get("recursive", ["false"])[0].lower() == "true")
        if not found:
            self.answer(404, X_Error_Code="EntryNotFound", X_Error_Message=f"{quote(folder)} does not exist")
            return
        first = int(query.get("cursor", ["0"])[0])
        headers = {}
        if first + _PAGE < len(found):
            recursive = query.get("recursive", ["false"])[0]
            address = f"{self.hub.endpoint}{urlsplit(self.path).path}?recursive={recursive}&cursor={first + _PAGE}"
            headers["Link"] = f'<{address}>; rel="next"'
        self.answer(200, json.dumps(found[first : first + _PAGE]).encode(), Content_Type="application/json", **headers)

    def send_file(self, files: dict[str, bytes], path: str, commit: str) -> None:
        content = files.get(path)
        if content is None:
            self.answer(404, X_Error_Code="EntryNotFound", X_Error_Message="Entry not found", X_Repo_Commit=commit)
        elif len(content) < _LARGE:
            self.send_content(content, ETag=f'"{oid(content)}"', X_Repo_Commit=commit)
        else:
            sha = hashlib.sha256(content).hexdigest()
            linked = {"X-Linked-Size": str(len(content)), "X-Linked-Etag": f'"{sha}"', "X-Repo-Commit": commit}
            self.answer(302, b"Found. Redirecting", Location=f"{self.hub.elsewhere}/{sha}?signature=x", **linked)


@contextmanager
def hub_server() -> Iterator[Hub]:
    """A running hub without repositories."""
    hub = Hub()
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), type("Own", (kind,), {"hub": hub})) for kind in (_Hub, _Elsewhere)]
    # Another name: for its client it is another host.
    hub.endpoint = f"http://127.0.0.1:{servers[0].server_port}"
    hub.elsewhere = f"http://localhost:{servers[1].server_port}"
    threads = [threading.Thread(target=server.serve_forever) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield hub
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()
