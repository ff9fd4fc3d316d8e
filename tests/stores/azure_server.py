"""Azure's blobs on loopback: Azurite."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers import BUCKET, INSTALLED, LARGE_ON_DISK, Store, free_port, running

AZURITE = "azurite@3.37.0"
# Azurite's own, in its manual.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class AzurePlace(Store):
    """Blobs, by Azure's client."""

    is_local = False

    def put(self, name: str, content: bytes) -> None:
        self.client.upload_blob(name, content, overwrite=True)

    def get(self, name: str) -> bytes:
        content: bytes = self.client.download_blob(name).readall()
        return content

    def names(self, prefix: str = "") -> list[str]:
        return sorted(self.client.list_blob_names(name_starts_with=prefix))

    def uploads(self) -> list[str]:
        return []


@contextmanager
def azurite(folder: Path) -> Iterator[Store]:
    """A running Azurite with an empty container."""
    from azure.storage.blob import ContainerClient

    port = free_port()
    command = [_install(), "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    command += ["--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    command += ["--location", str(folder / "azurite")] if LARGE_ON_DISK else ["--inMemoryPersistence"]
    endpoint = f"http://127.0.0.1:{port}"
    with running(command, endpoint, folder / "azurite.log"):
        account = f"{endpoint}/{ACCOUNT}"
        client = ContainerClient(account, BUCKET, credential=KEY)
        client.create_container()
        options = {
            "azure_storage_account_name": ACCOUNT,
            "azure_storage_account_key": KEY,
            "azure_endpoint": account,
        }
        yield AzurePlace("azurite", f"az://{BUCKET}", options, client)


def _install() -> Path:
    modules = INSTALLED / "npm"
    program = modules / "node_modules" / ".bin" / "azurite-blob"
    if not program.exists():
        print(f"installing {AZURITE}", file=sys.stderr, flush=True)
        modules.mkdir(parents=True, exist_ok=True)
        install = ["npm", "install", "--no-audit", "--no-fund", "--silent", AZURITE]
        subprocess.run(install, cwd=modules, check=True, timeout=600)
    return program
