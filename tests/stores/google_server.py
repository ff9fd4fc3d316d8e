"""Google Cloud Storage on loopback: fake-gcs-server, which knows no keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers import BUCKET, LARGE_ON_DISK, Store, free_port, install_go_program, running

FAKE_GCS = "github.com/fsouza/fake-gcs-server@v1.56.1"


class GooglePlace(Store):
    """Objects, by Google's client."""

    is_local = False

    def put(self, name: str, content: bytes) -> None:
        self.client.blob(name).upload_from_string(content)

    def get(self, name: str) -> bytes:
        content: bytes = self.client.blob(name).download_as_bytes(raw_download=True)
        return content

    def names(self, prefix: str = "") -> list[str]:
        return sorted(blob.name for blob in self.client.list_blobs(prefix=prefix))

    def uploads(self) -> list[str]:
        return []


@contextmanager
def google(folder: Path) -> Iterator[Store]:
    """A running fake-gcs-server with an empty bucket."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    program = install_go_program("fake-gcs-server", FAKE_GCS)
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    command = [program, "-scheme", "http", "-host", "127.0.0.1", "-port", str(port)]
    if LARGE_ON_DISK:
        command += ["-backend", "filesystem", "-filesystem-root", str(folder / "gcs")]
    else:
        command += ["-backend", "memory"]
    # Where it sends who continues an upload.
    command += ["-external-url", endpoint]
    with running(command, endpoint, folder / "gcs.log"):
        client = storage.Client(
            project="millpond", credentials=AnonymousCredentials(), client_options={"api_endpoint": endpoint}
        )
        options = {"google_base_url": endpoint, "google_skip_signature": "true"}
        if LARGE_ON_DISK:
            options["timeout"] = "10m"  # It finishes an object of gigabytes for minutes.
        yield GooglePlace("gcs", f"gs://{BUCKET}", options, client.create_bucket(BUCKET))
