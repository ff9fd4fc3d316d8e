"""An S3 server on loopback (moto) with a bucket of files, for tests."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

SECRET = "a-secret-that-nobody-may-see"


@dataclass
class S3Server:
    """A running server."""

    endpoint: str
    client: Any

    @property
    def options(self) -> dict[str, str]:
        """What a session needs to reach it."""
        return {"aws_access_key_id": "tester", "aws_secret_access_key": SECRET, "aws_endpoint_url": self.endpoint}

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Stores an object."""
        self.client.put_object(Bucket=bucket, Key=key, Body=body)


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """A server of this test's own, ended with it."""
    import boto3

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        endpoint = f"http://127.0.0.1:{port}"
        _wait_for(endpoint, process)
        client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="tester",
            aws_secret_access_key=SECRET,
        )
        yield S3Server(endpoint, client)
    finally:
        process.kill()
        process.wait()


def _wait_for(endpoint: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(endpoint, timeout=1).close()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            assert process.poll() is None, "moto ended at once"
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"no S3 server at {endpoint}")
