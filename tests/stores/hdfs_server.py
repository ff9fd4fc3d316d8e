"""HDFS on loopback: Hadoop's own cluster for tests, one NameNode and one DataNode in one JVM, by either protocol."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

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
PASSWORD = "of-no-worth"


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

    def set_mode(self, folder: str, mode: int) -> None:
        """Says what others than the cluster's owner may do with a folder."""
        self.client.set_permission(f"/data/{folder}", mode)


@contextmanager
def hdfs(folder: Path, scheme: str = "hdfs") -> Iterator[Store]:
    """A running cluster, whose files are reached by `hdfs`, `webhdfs` or `swebhdfs`."""
    from hdfs_native import Client

    port, web_port = free_port(), free_port()
    with _cluster(folder, port, web_port, scheme), _trusted(folder, scheme):
        root = f"hdfs://127.0.0.1:{port}"
        client = Client(root)
        client.mkdirs("/data", 0o777)
        client.set_permission("/data", 0o777)
        with mock.patch.dict(os.environ, {"HADOOP_USER_NAME": USER}):
            web = f"{scheme}://localhost:{web_port}"
            yield HdfsPlace(scheme, f"{root if scheme == 'hdfs' else web}/data", {}, client)


@contextmanager
def _trusted(folder: Path, scheme: str) -> Iterator[None]:
    """Lets requests trust the cluster's certificate."""
    settings = {"REQUESTS_CA_BUNDLE": str(folder / "certificate.pem")} if scheme == "swebhdfs" else {}
    with mock.patch.dict(os.environ, settings):
        yield


def _make_certificate(folder: Path) -> None:
    """A key for localhost, Hadoop's settings that name it, and its certificate."""
    tool = ["keytool", "-keystore", folder / "key.jks", "-storepass", PASSWORD, "-alias", "node"]
    key = ["-genkeypair", "-keypass", PASSWORD, "-keyalg", "RSA", "-dname", "CN=localhost", "-validity", "2"]
    subprocess.run(
        [*tool, *key, "-ext", "san=dns:localhost,ip:127.0.0.1"], check=True, timeout=300, capture_output=True
    )
    export = ["-exportcert", "-rfc", "-file", folder / "certificate.pem"]
    subprocess.run([*tool, *export], check=True, timeout=300, capture_output=True)
    values = {"location": folder / "key.jks", "password": PASSWORD, "keypassword": PASSWORD}
    settings = [f"<name>ssl.server.keystore.{name}</name><value>{value}</value>" for name, value in values.items()]
    text = "".join(f"<property>{setting}</property>" for setting in settings)
    (folder / "ssl-server.xml").write_text(f"<configuration>{text}</configuration>")


@contextmanager
def _cluster(folder: Path, port: int, web_port: int, scheme: str) -> Iterator[None]:
    jars = _install()
    details = folder / "cluster.json"
    command: list[Any] = [
        "java",
        "-Xmx512m",
        "-XX:-UsePerfData",  # Jetty and the machine itself leave folders in /tmp.
        f"-Djava.io.tmpdir={folder}",
        "-cp",
        f"{folder}:{jars}/*",
        "org.apache.hadoop.mapreduce.MiniHadoopClusterManager",
    ]
    command += ["-nomr", "-format", "-nnport", str(port), "-writeDetails", details]
    command += ["-D", f"hadoop.tmp.dir={folder / 'tmp'}"]
    if scheme == "swebhdfs":
        _make_certificate(folder)
        command += ["-D", "dfs.http.policy=HTTPS_ONLY", "-D", f"dfs.namenode.https-address=localhost:{web_port}"]
    else:
        command += ["-nnhttpport", str(web_port)]
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
