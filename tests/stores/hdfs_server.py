"""HDFS on loopback: Hadoop's own cluster for tests, one NameNode and one DataNode in one JVM."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from servers import INSTALLED, Store, free_port

HADOOP = "3.5.0"
JARS = (
    f"org.apache.hadoop:hadoop-client-minicluster:{HADOOP}",
    f"org.apache.hadoop:hadoop-client-api:{HADOOP}",
    f"org.apache.hadoop:hadoop-client-runtime:{HADOOP}",
    "org.slf4j:slf4j-api:1.7.36",
    "org.slf4j:slf4j-simple:1.7.36",
    "commons-logging:commons-logging:1.3.0",
    # The cluster's class asks for them.
    "org.junit.jupiter:junit-jupiter-api:5.11.4",
    "org.junit.platform:junit-platform-commons:1.11.4",
    "org.opentest4j:opentest4j:1.3.0",
)
# The cluster's owner may do all; the tests are somebody else.
USER = "tester"


class HdfsPlace(Store):
    """Files of HDFS, by a client of the cluster's owner."""

    is_local = False

    def put(self, name: str, content: bytes) -> None:
        from hdfs_native import WriteOptions

        writer = self.client.create(f"/data/{name}", WriteOptions(overwrite=True, create_parent=True))
        writer.write(content)
        writer.close()

    def get(self, name: str) -> bytes:
        content: bytes = self.client.read(f"/data/{name}").read()
        return content

    def names(self, prefix: str = "") -> list[str]:
        for _ in range(100):
            try:
                entries = list(self.client.list_status("/data", True))
                break
            except FileNotFoundError:
                continue  # A folder was renamed while its parent was listed.
        else:
            raise TimeoutError("the listing changed a hundred times")
        found = [entry.path.removeprefix("/data/") for entry in entries if not entry.isdir]
        return sorted(name for name in found if name.startswith(prefix))

    def head(self, folder: str) -> bytes:
        # A folder that is named by what it is; one file is in it.
        (name,) = self.names(f"{folder}/._millpond-head.json/")
        return self.get(name)

    def uploads(self) -> list[str]:
        return []

    def close_to_others(self, folder: str) -> None:
        """Makes a folder that only the cluster's owner may look into."""
        self.client.set_permission(f"/data/{folder}", 0o700)


@contextmanager
def hdfs(folder: Path) -> Iterator[Store]:
    """A running cluster."""
    from hdfs_native import Client

    port = free_port()
    with _cluster(folder, port):
        root = f"hdfs://127.0.0.1:{port}"
        client = Client(root)
        client.mkdirs("/data", 0o777)
        client.set_permission("/data", 0o777)
        before = os.environ.get("HADOOP_USER_NAME")
        os.environ["HADOOP_USER_NAME"] = USER
        try:
            yield HdfsPlace("hdfs", f"{root}/data", {}, client)
        finally:
            del os.environ["HADOOP_USER_NAME"]
            if before is not None:
                os.environ["HADOOP_USER_NAME"] = before


@contextmanager
def _cluster(folder: Path, port: int) -> Iterator[None]:
    jars = _install()
    details = folder / "cluster.json"
    command: list[Any] = [
        "java",
        "-Xmx512m",
        "-cp",
        f"{jars}/*",
        "org.apache.hadoop.mapreduce.MiniHadoopClusterManager",
    ]
    command += ["-nomr", "-format", "-nnport", str(port), "-writeDetails", details]
    command += ["-D", f"hadoop.tmp.dir={folder / 'tmp'}"]
    with (folder / "hdfs.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        for _ in range(3000):
            if details.exists():
                break
            assert process.poll() is None, f"the cluster ended at once: {(folder / 'hdfs.log').read_text()[-2000:]}"
            time.sleep(0.1)
        else:
            raise TimeoutError("no HDFS after five minutes")
        yield
    finally:
        process.terminate()
        process.wait()


def _install() -> Path:
    folder = INSTALLED / "hdfs"
    for artifact in JARS:
        _, name, version = artifact.split(":")
        if not (folder / f"{name}-{version}.jar").exists():
            print(f"installing {name} {version}", file=sys.stderr, flush=True)
            copy = ["mvn", "-q", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"]
            subprocess.run(copy, check=True, timeout=600, stdout=subprocess.DEVNULL)
    return folder
