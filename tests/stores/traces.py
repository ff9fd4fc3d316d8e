"""No trace of a store's secret key in anything that a job leaves or shows: python -m pytest tests/stores/traces.py.

On moto, which takes any key and token, and on versitygw, which takes its own key and refuses tokens.
"""

from __future__ import annotations

import os
import secrets
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import millpond
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from servers import SECRET, missing_tool, store


class ProcessWatch:
    """Reads command lines and environments of all processes below this one but the store's, again and again."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.looked_at: set[int] = set()
        self.found: set[str] = set()

    def __enter__(self) -> ProcessWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            for pid in descendants(os.getpid()):
                for name in ("cmdline", "environ"):
                    with suppress(OSError):  # It has ended.
                        content = Path(f"/proc/{pid}/{name}").read_bytes()
                        self.looked_at.add(pid)
                        # This server is told its key so.
                        if self._secret in content and b"bin/versitygw" not in content.partition(b"\0")[0]:
                            self.found.add(f"{name} of {content[:200]!r}")


def descendants(root: int) -> set[int]:
    """The processes that `root` has started, and those that they have."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = {root}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return found - {root}
        found |= more


def files_with(keys: Iterable[str], folder: Path) -> tuple[int, list[str]]:
    """How many files lie in a folder, and those that hold one of the keys."""
    count, found = 0, []
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            if path.is_file():
                count += 1
                content = path.read_bytes()
                if any(secret.encode() in content for secret in keys):
                    found.append(str(path))
    return count, found


@contextmanager
def ray_of_our_own() -> Iterator[tuple[str, Path]]:
    """A Ray of this test: its address, and where its logs are."""
    import ray

    context = ray.init(
        address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100_000_000
    )
    try:
        yield context.address_info["gcs_address"], Path(context.address_info["session_dir"])
    finally:
        ray.shutdown()


def run_job(session: millpond.Session, name: str) -> list[str]:
    """A job with every kind of step, and errors; what it showed."""
    frame = session.read_parquet("s3://data/in/*.parquet")
    dealt = frame.repartition(2, hash_by="k").map_batches(lambda batch: batch).filter("x >= 0")
    dealt.write_parquet(f"s3://data/{name}", mode="overwrite")
    shown = [dealt.explain(), dealt.explain(analyze=True), repr(dealt), repr(session), repr(session.config)]
    rows = session.sql("SELECT k, count(*) AS n FROM f GROUP BY k", f=frame, distribute="always")
    assert len(rows.take_all()) == 7
    shown.append(rows.explain())

    def fail(row: dict[str, Any]) -> dict[str, Any]:
        raise ValueError(f"no {row['x']}")

    for act in (
        lambda: session.read_parquet("s3://data/nothing/*.parquet"),
        lambda: session.read_parquet("s3://no-such-bucket/x.parquet"),
        lambda: frame.map(fail).count(),
        lambda: frame.write_csv(f"s3://data/{name}"),
        lambda: session.sql("SELECT error('x' || x) FROM f", f=frame).take_all(),
        lambda: millpond.init(storage_options={"aws_secret": session}),
    ):
        with pytest.raises(millpond.MillpondError) as caught:
            act()
        shown += [str(caught.value), repr(caught.value), str(caught.value.__cause__), str(caught.value.__context__)]
    return shown


@pytest.mark.parametrize("runner", ["processes", "ray"])
@pytest.mark.parametrize("server", ["moto", "versitygw"])
def test_no_trace_of_the_key(
    server: str, runner: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    if runner == "ray":
        pytest.importorskip("ray", reason="Ray is NOT TESTED: the package is missing")
    if (tool := missing_tool(server)) is not None:
        pytest.skip(f"{server} is NOT TESTED: {tool} is missing on this machine")
    secret = SECRET if server == "versitygw" else secrets.token_hex(20)
    keys = {"aws_secret_access_key": secret}
    if server == "moto":
        keys["aws_session_token"] = secrets.token_hex(20)
    caplog.set_level("DEBUG", logger="millpond")
    with store(server, tmp_path / "store") as place, ProcessWatch(secret) as watch:
        for part in range(3):
            file = tmp_path / f"{part}.parquet"
            duckdb.sql("SELECT range AS x, range % 7 AS k FROM range(5000)").write_parquet(str(file))
            place.put(f"in/{part}.parquet", file.read_bytes())
        options = {**place.options, **keys}
        settings: dict[str, Any] = {"data_root": tmp_path / "data", "keep": True, "storage_options": options}
        logs: list[str] = []
        if runner == "ray":
            with ray_of_our_own() as (address, folder):
                with millpond.init(ray_address=address, **settings) as session:
                    shown = run_job(session, runner)
                    time.sleep(1)  # Ray writes its logs a moment later.
                num_logs, logs = files_with(keys.values(), folder)
                assert num_logs > 5
        else:
            with millpond.init(runner=runner, threads=2, **settings) as session:
                shown = run_job(session, runner)
        objects = [name for name in place.names() if secret.encode() in place.get(name)]
    num_files, files = files_with(keys.values(), tmp_path)
    assert num_files > 5
    assert any(path.name == "events.jsonl" for path in tmp_path.rglob("*"))
    assert len(watch.looked_at) >= 3, watch.looked_at  # The store's server and two workers.
    output = capfd.readouterr()
    for hidden in keys.values():
        assert [text for text in [*shown, output.out, output.err, caplog.text] if hidden in text] == []
    assert (files, logs, objects, watch.found) == ([], [], [], set())
