"""Keys that a store does not know, and keys that may not do everything: refused with an error that names the path and
no key, and nothing is left behind. On a local disk, moto that asks for rights, versitygw with users, HDFS, WebHDFS and
Azurite with signatures that only read; fake-gcs-server knows neither keys nor rights.

python -m pytest tests/stores/rights.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import millpond
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from places import open_session
from servers import (
    BUCKET,
    Store,
    client_of,
    missing_tool,
    moto,
    running_versitygw,
    s3_options,
    store,
    versitygw_program,
)

_SECRETS = ("aws_secret_access_key", "azure_storage_account_key", "azure_storage_sas_token")


@dataclass
class Guarded:
    """A store with `open/a.csv`, which a reader may only read, and `closed/a.csv`, which nobody else may."""

    place: Store
    reader: dict[str, str]
    stranger: dict[str, str]
    wrong: list[dict[str, str]] = field(default_factory=list)  # Keys it does not know.
    # moto that asks for rights fails with 500 where the signature is part of the address, as in requests for pieces.
    is_read: bool = True


def s3_policy(*statements: tuple[list[str], list[str]], principal: str | None = None) -> str:
    named = {"Principal": {"AWS": [principal]}} if principal else {}
    allowed = [{"Effect": "Allow", "Action": act, "Resource": on, **named} for act, on in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": allowed})


ALL = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
READING = (["s3:GetObject"], ALL[1:]), (["s3:ListBucket"], ALL[:1])


def put_files(place: Store) -> None:
    for folder in ("open", "closed"):
        place.put(f"{folder}/a.csv", b"i\n1\n")


def wrong_s3_keys(options: dict[str, str]) -> list[dict[str, str]]:
    return [{**options, "aws_secret_access_key": "wrong"}, {**options, "aws_access_key_id": "nobody"}]


@contextmanager
def guarded_moto(folder: Path) -> Iterator[Guarded]:
    """moto that asks for rights, with a user who may do all, one who may read, and one without rights."""
    import boto3

    with moto() as (endpoint, client):
        client.create_bucket(Bucket=BUCKET)
        place = Store("moto", f"s3://{BUCKET}", s3_options(endpoint), client)
        put_files(place)
        iam = boto3.session.Session().client(
            "iam", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        )

        def user(name: str, *statements: tuple[list[str], list[str]]) -> dict[str, str]:
            iam.create_user(UserName=name)
            if statements:
                iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=s3_policy(*statements))
            key = iam.create_access_key(UserName=name)["AccessKey"]
            return {
                **place.options,
                "aws_access_key_id": key["AccessKeyId"],
                "aws_secret_access_key": key["SecretAccessKey"],
            }

        owner = user("owner", (["s3:*"], ["*"]))
        reader, stranger = user("reader", *READING), user("stranger")
        # So many requests are let through first.
        headers = {"Content-Type": "text/plain"}
        request = urllib.request.Request(f"{endpoint}/moto-api/reset-auth", data=b"0", headers=headers)
        urllib.request.urlopen(request, timeout=10).close()
        place.options, place.client = owner, client_of(endpoint, owner)
        yield Guarded(place, reader, stranger, wrong_s3_keys(owner), is_read=False)


@contextmanager
def guarded_versitygw(folder: Path) -> Iterator[Guarded]:
    """versitygw with a user who may read, and one without rights."""
    (folder / "users").mkdir()
    with running_versitygw(folder, "--iam-dir", str(folder / "users")) as (endpoint, _):
        options = s3_options(endpoint)
        client = client_of(endpoint)
        client.create_bucket(Bucket=BUCKET)
        place = Store("versitygw", f"s3://{BUCKET}", options, client)
        put_files(place)

        def user(name: str) -> dict[str, str]:
            admin = [versitygw_program(), "admin", "--access", "tester", "--secret", options["aws_secret_access_key"]]
            admin += ["--endpoint-url", endpoint, "create-user", "--access", name, "--secret", f"{name}-secret"]
            subprocess.run([*admin, "--role", "user"], check=True, capture_output=True, timeout=60)
            return {**options, "aws_access_key_id": name, "aws_secret_access_key": f"{name}-secret"}

        reader, stranger = user("reader"), user("stranger")
        client.put_bucket_policy(Bucket=BUCKET, Policy=s3_policy(*READING, principal="reader"))
        unsigned = {"aws_endpoint_url": endpoint, "aws_skip_signature": "true"}
        yield Guarded(place, reader, stranger, [*wrong_s3_keys(options), unsigned])


@contextmanager
def guarded_azurite(folder: Path) -> Iterator[Guarded]:
    """Azurite with a signature that reads, and one for another container."""
    from azure.storage.blob import generate_container_sas

    with store("azurite", folder) as place:
        put_files(place)
        options = dict(place.options)
        account, key = options["azure_storage_account_name"], options.pop("azure_storage_account_key")

        def signed(container: str, rights: str) -> dict[str, str]:
            end = datetime.now(UTC) + timedelta(hours=1)
            token = generate_container_sas(account, container, account_key=key, permission=rights, expiry=end)
            return {**options, "azure_storage_sas_token": token}

        wrong = [
            {**options, "azure_storage_account_key": "d3Jvbmc="},
            {**options, "azure_storage_sas_token": "sig=wrong"},
            {**options, "azure_skip_signature": "true"},
        ]
        yield Guarded(place, signed(BUCKET, "rl"), signed("another", "rl"), wrong)


@contextmanager
def guarded_hdfs(folder: Path, name: str) -> Iterator[Guarded]:
    """HDFS, where who is not the owner may read a folder, and may not look into another."""
    with store(name, folder) as place:
        put_files(place)
        place.set_mode("open", 0o755)
        place.set_mode("closed", 0o700)
        yield Guarded(place, place.options, place.options)


GUARDED: dict[str, Callable[[Path], Any]] = {
    "moto": guarded_moto,
    "versitygw": guarded_versitygw,
    "azurite": guarded_azurite,
    "hdfs": lambda folder: guarded_hdfs(folder, "hdfs"),
    "webhdfs": lambda folder: guarded_hdfs(folder, "webhdfs"),
}


@pytest.fixture(scope="module", params=list(GUARDED))
def guarded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    if (tool := missing_tool(request.param)) is not None:
        pytest.skip(f"{request.param} is NOT TESTED: {tool} is missing on this machine")
    with GUARDED[request.param](tmp_path_factory.mktemp(request.param)) as opened:
        yield opened


def check_refused(folder: Path, place: Store, options: dict[str, str], path: str, act: Callable[..., Any]) -> None:
    """`act` on a session with `options` is refused, with an error that names the path and no key."""
    before = place.names()
    with (
        pytest.raises(millpond.PermissionDeniedError, match=path) as caught,
        open_session(folder, place, storage_options=options) as session,
    ):
        act(session)
    for secret in _SECRETS:
        assert options.get(secret, "-" * 9) not in str(caught.value)
        assert place.options.get(secret, "-" * 9) not in str(caught.value)
    assert (place.names(), place.uploads()) == (before, [])


def check_all_refused(folder: Path, guarded: Guarded, options: dict[str, str]) -> None:
    path = f"{guarded.place.root}/closed"
    for act in (
        lambda session: session.read_csv(f"{path}/a.csv"),
        lambda session: session.read_csv(f"{path}/*.csv"),
        lambda session: session.from_items([1]).write_csv(f"{path}/out"),
        lambda session: session.from_items([1]).write_csv(f"{path}/out.csv", single_file=True),
    ):
        check_refused(folder, guarded.place, options, path, act)


@pytest.mark.parametrize("guarded", ["moto", "versitygw", "azurite"], indirect=True)
def test_a_key_that_the_store_does_not_know(guarded: Guarded, tmp_path: Path) -> None:
    for options in guarded.wrong:
        check_all_refused(tmp_path, guarded, options)


def test_who_has_no_rights(guarded: Guarded, tmp_path: Path) -> None:
    check_all_refused(tmp_path, guarded, guarded.stranger)


def test_who_may_only_read(guarded: Guarded, tmp_path: Path) -> None:
    path = f"{guarded.place.root}/open"
    for pattern in ("a.csv", "*.csv", "") if guarded.is_read else ():
        with open_session(tmp_path, guarded.place, storage_options=guarded.reader) as session:
            assert session.read_csv(f"{path}/{pattern}").take_all() == [{"i": 1}], pattern
    for mode in ("error", "overwrite", "append"):
        for name, single in (("out", False), ("out.csv", True)):
            if single and mode == "append":
                continue
            check_refused(
                tmp_path,
                guarded.place,
                guarded.reader,
                path,
                lambda session, name=name, single=single, mode=mode: session.from_items([1]).write_csv(
                    f"{path}/{name}", mode=mode, single_file=single
                ),
            )
    assert guarded.place.get("open/a.csv") == b"i\n1\n"


# As whom it runs; root may do everything with files as long as it has the two capabilities.
_ON_DISK = """
import sys
import millpond

root, data = sys.argv[1:]
acts = {
    "file": lambda session: session.read_csv(f"{root}/open/none.csv"),
    "folder": lambda session: session.read_csv(f"{root}/closed/*.csv"),
    "below": lambda session: session.read_csv(f"{root}/closed/a.csv"),
    "write": lambda session: session.from_items([1]).write_csv(f"{root}/open/out"),
    "single": lambda session: session.from_items([1]).write_csv(f"{root}/open/out.csv", single_file=True),
    "overwrite": lambda session: session.from_items([1]).write_csv(f"{root}/open", mode="overwrite"),
    "append": lambda session: session.from_items([1]).write_csv(f"{root}/open", mode="append"),
}
for name, act in acts.items():
    with millpond.init(data_root=data, progress=False) as session:
        assert session.read_csv(f"{root}/open/a.csv").take_all() == [{"i": 1}]
        try:
            act(session)
        except millpond.PermissionDeniedError as error:
            assert root in str(error), error
            print(name)
"""


def test_files_on_a_disk_that_are_not_for_us(tmp_path: Path) -> None:
    for folder in ("open", "closed"):
        (tmp_path / "files" / folder).mkdir(parents=True)
        (tmp_path / "files" / folder / "a.csv").write_text("i\n1\n")
    (tmp_path / "files" / "open" / "none.csv").write_text("i\n1\n")
    (tmp_path / "files" / "open" / "none.csv").chmod(0)
    (tmp_path / "files" / "open").chmod(0o555)
    (tmp_path / "files" / "closed").chmod(0)
    (tmp_path / "files").chmod(0o555)
    command = [sys.executable, "-c", _ON_DISK, str(tmp_path / "files"), str(tmp_path / "data")]
    if os.geteuid() == 0:
        command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all", *command]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        refused = ["file", "folder", "below", "write", "single", "overwrite", "append"]
        assert (ended.stdout.split(), ended.returncode) == (refused, 0), ended.stderr
    finally:
        for path in ("", "open", "closed"):
            (tmp_path / "files" / path).chmod(0o755)
    left = sorted(path.name for path in (tmp_path / "files").rglob("*"))
    assert left == ["a.csv", "a.csv", "closed", "none.csv", "open"]
