"""Random kills of a job that overwrites a folder on a store, under the eyes of a reader.

python tests/stores/kills.py [--kills 30] [--seed N] [--store moto|versitygw|hdfs|webhdfs|azurite|gcs]

Each writer replaces the whole folder by rows of its own number and is killed at a random time; some are run again under
their name, the others removed with `millpond clean`. A reader meanwhile must see one writer's rows and all of them;
whoever only lists must see whole files. In the end nothing is left but the last data.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from servers import Store, missing_tool, store
from watching import Watching

ROWS = 4_000
PARTITIONS = 8
#: Seconds for a job of some two, on a machine that does other things, too.
PATIENCE = 900
HEAD = "out/._millpond-head.json"


def write(folder: Path, number: int, root: str, options: dict[str, str]) -> None:
    """The job that is killed."""
    import millpond

    with millpond.init(
        data_root=folder,
        job_id=f"writer-{number}",
        threads=2,
        progress=False,
        min_task_bytes=0,
        storage_options=options,
    ) as session:
        rows = session.sql(f"SELECT {number} AS writer, range AS x FROM range({ROWS})")
        rows.repartition(PARTITIONS, by_rows=True).write_parquet(f"{root}/out", mode="overwrite")


class Reader(Watching):
    """Reads the folder again and again."""

    def __init__(self, folder: Path, place: Store) -> None:
        super().__init__(self._read, self._list)
        self.retries = 0
        self._folder = folder
        self._place = place

    def _read(self) -> None:
        import millpond

        with millpond.init(
            data_root=self._folder, threads=1, progress=False, storage_options=self._place.options
        ) as session:
            while not self.stopped.is_set():
                try:
                    frame = session.read_parquet(f"{self._place.root}/out")
                    rows = frame.partial_sql("SELECT writer, count(*) AS n FROM {0} GROUP BY writer").take_all()
                except millpond.MillpondError as error:
                    # What was listed a moment ago is replaced by now: the window that the docs tell of.
                    if not isinstance(error, (millpond.NotFoundError, millpond.DataCorruptError)):
                        self.wrong.append(str(error))
                    self.retries += 1
                    continue
                if len(rows) != 1 or rows[0]["n"] != ROWS:
                    self.wrong.append(f"a reader saw {rows}")
                else:
                    self.seen[rows[0]["writer"]] += 1

    def _list(self) -> None:
        import pyarrow.parquet as pq

        while not self.stopped.is_set():
            for name in self._place.names("out/"):
                if not name.endswith(".parquet"):
                    continue
                content = self._place.find(name)
                if content is None:
                    continue
                try:
                    pq.read_metadata(BytesIO(content))
                except Exception as error:
                    self.wrong.append(f"{name} is not whole: {error}")
            time.sleep(0.05)


def start(folder: Path, number: int, place: Store) -> subprocess.Popen[bytes]:
    """A writer as a process of its own."""
    command = [sys.executable, __file__, "--write", str(folder), str(number)]
    told = json.dumps([place.root, place.options])
    return subprocess.Popen(command, env={**os.environ, "MILLPOND_TEST_STORE": told})


def clean(folder: Path, number: int, place: Store) -> None:
    """`millpond clean` of a writer."""
    command = [sys.executable, "-m", "millpond.cli", "clean", "--data-root", str(folder), f"writer-{number}"]
    subprocess.run(command, env=place.environment(), check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE)


def campaign(kills: int, seed: int, folder: Path, place: Store) -> list[str]:
    """What was wrong."""
    rng = random.Random(seed)
    jobs = folder / "jobs"
    wrong: list[str] = []
    begin = time.monotonic()
    assert start(jobs, 0, place).wait(PATIENCE) == 0
    # The first run of a program is slow; kills come over the whole of a later one.
    begin = time.monotonic()
    assert start(jobs, 1, place).wait(PATIENCE) == 0
    usual = time.monotonic() - begin
    killed = 0
    number = 1
    with Reader(folder / "reader", place) as reader:
        while killed < kills:
            number += 1
            writer = start(jobs, number, place)
            # Mostly in the second half, where the files are written and put in place.
            time.sleep(usual * rng.uniform(0.3, 1.1))
            writer.send_signal(signal.SIGKILL)
            if writer.wait() == 0:
                continue
            killed += 1
            if rng.random() < 0.5:
                if start(jobs, number, place).wait(PATIENCE) != 0:
                    wrong.append(f"writer {number} did not go on after a kill")
            elif (jobs / f"writer-{number}").exists():
                clean(jobs, number, place)
        assert start(jobs, number + 1, place).wait(PATIENCE) == 0
        time.sleep(1)
    wrong += reader.wrong
    head = json.loads(place.head("out"))
    listed = sorted(f"out/{file['name']}" for write_ in head["writes"] for file in write_["files"])
    if (
        listed != [name for name in place.names("out/") if not name.startswith(HEAD)]
        or head["pending"]
        or head["replaced"]
    ):
        wrong.append(f"left behind: {place.names('out/')}, of which the head names {listed}")
    if left := [name for name in place.names() if not name.startswith("out/")] + place.uploads():
        wrong.append(f"left behind: {left}")
    print(
        f"{killed} kills of {number} writers, {usual:.1f} s each; {sum(reader.seen.values())} readings of "
        f"{len(reader.seen)} versions, {reader.retries} repeated; {len(wrong)} wrong",
        flush=True,
    )
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--store", default="moto", choices=["moto", "versitygw", "hdfs", "webhdfs", "azurite", "gcs"])
    parser.add_argument("--write", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write(Path(options.write[0]), int(options.write[1]), *json.loads(os.environ["MILLPOND_TEST_STORE"]))
        return 0
    if (tool := missing_tool(options.store)) is not None:
        print(f"kills on {options.store} NOT TESTED: {tool} is missing on this machine", file=sys.stderr)
        return 0
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder, store(options.store, Path(folder)) as place:
        wrong = campaign(options.kills, options.seed, Path(folder), place)
    for line in wrong[:20]:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
