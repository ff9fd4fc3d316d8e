"""What can be told of a store's options before it is asked: no server is needed. tests/stores has the rest."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import millpond
import pytest
from conftest import open_session

KEY = "c2VjcmV0LXRoYXQtbm9ib2R5LW1heS1zZWU="


@pytest.fixture(autouse=True)
def no_keys_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_ENDPOINT", "GOOGLE_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def error_of(folder: Path, path: str, options: dict[str, str]) -> millpond.MillpondError:
    with (
        open_session(folder, storage_options=options) as session,
        pytest.raises(millpond.MillpondError) as caught,
    ):
        session.read_parquet(path)
    assert KEY not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("path", "options", "told"),
    [
        ("az://container/x", {"azure_storage_account_key": KEY}, "azure_storage_account_name"),
        ("az://container/x", {"azure_storage_account_key": KEY, "azure_endpoint": "127.0.0.1"}, "https://host"),
        ("gs://bucket/x", {"google_base_url": "127.0.0.1"}, "https://host:port"),
        ("gs://bucket/x", {"google_service_account_key": KEY}, "google_service_account"),
        ("gs://bucket/x", {"google_skip_signature": "perhaps"}, "neither true nor false"),
    ],
)
def test_options_that_are_no_good(tmp_path: Path, path: str, options: dict[str, str], told: str) -> None:
    error = error_of(tmp_path, path, options)
    assert isinstance(error, millpond.InvalidArgumentError)
    assert told in str(error)


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("hdfs://127.0.0.1:9/x", {}),
        ("webhdfs://127.0.0.1:9/x", {"webhdfs_delegation_token": KEY}),
        ("swebhdfs://127.0.0.1:9/x", {}),
        (
            "az://container/x",
            {
                "azure_storage_account_name": "account",
                "azure_storage_account_key": KEY,
                "azure_endpoint": "http://127.0.0.1:9/account",
            },
        ),
    ],
)
def test_stores_that_do_not_answer(tmp_path: Path, path: str, options: dict[str, str]) -> None:
    error = error_of(tmp_path, path, options)
    assert isinstance(error, millpond.UnavailableError)
    assert path in str(error) or "hdfs://127.0.0.1:9" in str(error)


def test_options_of_hadoop_are_taken_and_others_are_not(tmp_path: Path) -> None:
    options = {"dfs.client.use.datanode.hostname": "true"}
    assert isinstance(error_of(tmp_path, "hdfs://127.0.0.1:9/x", options), millpond.UnavailableError)
    with pytest.raises(millpond.InvalidArgumentError, match="azure_storage_key"):
        open_session(tmp_path, storage_options={"azure_storage_key": KEY})


@pytest.mark.parametrize(("options", "most"), [({"max_retries": "0"}, 5), ({"max_retries": "2"}, 15)])
def test_google_is_given_up_in_the_time_that_is_told(tmp_path: Path, options: dict[str, str], most: float) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        told = {"google_base_url": address, "google_skip_signature": "true", "timeout": "300ms", **options}
        begin = time.monotonic()
        error = error_of(tmp_path, "gs://bucket/x.parquet", told)
    assert isinstance(error, millpond.UnavailableError)
    assert time.monotonic() - begin < most
