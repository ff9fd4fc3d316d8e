"""The servers that the suite runs on: installed into the build tree, started on loopback, ended with the test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "python"))

from s3_server import SECRET, s3_server  # noqa: E402

INSTALLED = ROOT / "build" / "stores"
MINIO = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c"
VERSITYGW = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
BUCKET = "data"
#: Whether servers that can keep their data in memory keep it on the disk.
LARGE_ON_DISK = int(os.environ.get("MILLPOND_TEST_LARGE", "0")) > 1 << 30


@dataclass
class Store:
    """A place for files, with a way to it that is not millpond's."""

    name: str
    root: str
    options: dict[str, str] = field(default_factory=dict)
    client: Any = None

    @property
    def is_local(self) -> bool:
        return self.client is None

    def put(self, name: str, content: bytes) -> None:
        """Stores a file."""
        if self.is_local:
            path = Path(self.root) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        else:
            self.client.put_object(Bucket=BUCKET, Key=name, Body=content)

    def get(self, name: str) -> bytes:
        """A file's content."""
        if self.is_local:
            return (Path(self.root) / name).read_bytes()
        content: bytes = self.client.get_object(Bucket=BUCKET, Key=name)["Body"].read()
        return content

    def names(self, prefix: str = "") -> list[str]:
        """The files whose names begin so."""
        if self.is_local:
            root = Path(self.root)
            found = [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]
            return sorted(name for name in found if name.startswith(prefix))
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return sorted(entry["Key"] for page in pages for entry in page.get("Contents", []))

    def find(self, name: str) -> bytes | None:
        """A file's content; None when it is gone."""
        try:
            return self.get(name)
        except Exception as error:
            # Each client has its own error for it.
            if type(error).__name__ in ("FileNotFoundError", "NoSuchKey", "NotFound", "ResourceNotFoundError"):
                return None
            raise

    def head(self, folder: str) -> bytes:
        """What says of which files a folder consists."""
        return self.get(f"{folder}/._millpond-head.json")

    def environment(self) -> dict[str, str]:
        """What a command that knows no session needs to reach the store."""
        return {**os.environ, **{name.upper(): value for name, value in self.options.items()}}

    def uploads(self) -> list[str]:
        """Unfinished uploads."""
        if self.is_local:
            return []
        return [upload["Key"] for upload in self.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])]


def missing_tool(name: str) -> str | None:
    """What this machine lacks to run a store's server."""
    tools = {"versitygw": ["go"], "minio": ["go"], "gcs": ["go"], "azurite": ["npm"]}.get(name, [])
    if name.endswith("hdfs"):
        tools = ["java", "keytool", "mvn"]
    return next((tool for tool in tools if shutil.which(tool) is None), None)


@contextmanager
def store(name: str, folder: Path) -> Iterator[Store]:
    """A running store with an empty bucket."""
    if name == "local":
        yield Store(name, str(folder / "local"))
        return
    if (opened := _other_store(name, folder)) is not None:
        with opened as place:
            yield place
        return
    started = {"moto": moto, "minio": lambda: minio(folder), "versitygw": lambda: versitygw(folder)}[name]
    with started() as (endpoint, client):
        client.create_bucket(Bucket=BUCKET)
        # moto reads all of an object for each piece of it.
        slow = {"timeout": "10m"} if name == "moto" and LARGE_ON_DISK else {}
        yield Store(name, f"s3://{BUCKET}", s3_options(endpoint) | slow, client)


def _other_store(name: str, folder: Path) -> AbstractContextManager[Store] | None:
    if name.endswith("hdfs"):
        from hdfs_server import hdfs

        return hdfs(folder, name)
    if name == "azurite":
        from azure_server import azurite

        return azurite(folder)
    if name == "gcs":
        from google_server import google

        return google(folder)
    return None


def s3_options(endpoint: str) -> dict[str, str]:
    """What a session needs to reach a server of ours."""
    return {"aws_access_key_id": "tester", "aws_secret_access_key": SECRET, "aws_endpoint_url": endpoint}


@contextmanager
def moto() -> Iterator[tuple[str, Any]]:
    """moto: quick to start, takes any key."""
    settings = {"MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": "1000000"} if LARGE_ON_DISK else {}
    with mock.patch.dict(os.environ, settings), s3_server() as server:
        yield server.endpoint, server.client


@contextmanager
def versitygw(folder: Path) -> Iterator[tuple[str, Any]]:
    """versitygw: refuses wrong keys."""
    with running_versitygw(folder) as (endpoint, _):
        yield endpoint, client_of(endpoint)


@contextmanager
def minio(folder: Path) -> Iterator[tuple[str, Any]]:
    """MinIO, which takes seven minutes to install."""
    program = install_go_program("minio", MINIO)
    address, console = (f"127.0.0.1:{free_port()}" for _ in range(2))
    command = [program, "server", "--quiet", "--address", address, "--console-address", console]
    command += ["--config-dir", folder / "minio-settings", folder / "minio"]
    settings = {
        "MINIO_ROOT_USER": "tester",
        "MINIO_ROOT_PASSWORD": SECRET,
        "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off",
    }
    with mock.patch.dict(os.environ, settings), running(command, f"http://{address}", folder / "minio.log"):
        # It answers before it is ready, if only that it is not.
        client = client_of(f"http://{address}")
        for _ in range(100):
            try:
                client.list_buckets()
                break
            except client.exceptions.ClientError:
                time.sleep(0.1)
        yield f"http://{address}", client


@contextmanager
def running_versitygw(folder: Path, *options: str) -> Iterator[tuple[str, int]]:
    """Its address and its process."""
    program = versitygw_program()
    data = folder / "versitygw"
    data.mkdir(parents=True)
    (folder / "gateway-meta").mkdir()
    port = free_port()
    command = [program, "--port", f"127.0.0.1:{port}", "--access", "tester", "--secret", SECRET, "--quiet", *options]
    # Metadata beside the data: not every file system has extended attributes.
    command += ["posix", "--sidecar", folder / "gateway-meta", data]
    endpoint = f"http://127.0.0.1:{port}"
    with running(command, endpoint, folder / "versitygw.log") as pid:
        yield endpoint, pid


@contextmanager
def running(command: list[Any], endpoint: str, log: Path) -> Iterator[int]:
    """A server, from its first answer to the end of the test; its process."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        wait_for(endpoint, process)
        yield process.pid
    finally:
        process.terminate()
        try:
            # Azurite waits for connections that are open, minutes.
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port of loopback that nobody uses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def versitygw_program() -> Path:
    """Installed when it is not there."""
    return install_go_program("versitygw", VERSITYGW)


def client_of(endpoint: str, options: dict[str, str] | None = None) -> Any:
    """boto3's client, without retries: a test wants to see what happens. With our key, or that of `options`."""
    options = options or s3_options(endpoint)
    import boto3
    from botocore.config import Config

    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=options["aws_access_key_id"],
        aws_secret_access_key=options["aws_secret_access_key"],
        config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def install_go_program(name: str, module: str) -> Path:
    """The program, built once into the build tree."""
    program = INSTALLED / "bin" / name
    if not program.exists():
        print(f"installing {name}, about two minutes", file=sys.stderr, flush=True)
        environment = {**os.environ, "GOBIN": str(program.parent)}
        subprocess.run(["go", "install", module], env=environment, check=True, timeout=900)
    return program


def wait_for(endpoint: str, process: subprocess.Popen[bytes]) -> None:
    """Until the server answers, if only with an error."""
    for _ in range(1200):
        try:
            urllib.request.urlopen(endpoint, timeout=1).close()
        except urllib.error.HTTPError:
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            assert process.poll() is None, f"the server at {endpoint} ended at once"
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"no server at {endpoint}")
