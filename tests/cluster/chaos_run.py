"""One run of chaos: a job, something killed, and what must be true after it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import Any

from cluster_world import JOB_SECONDS, OWN_ROOT, ClusterWorld, WrongError
from hosts import Host

KINDS = ("worker", "raylet", "node", "driver")
# The runs in which something dies while the session opens; in the others tasks are under way.
_EARLY_SHARE = 0.2
# A task takes as long.
_MOST_WAIT_SECONDS = 0.2


@dataclass
class Pace:
    """How the undisturbed job goes: seconds until its first event, and its tasks."""

    opening: float
    tasks: int


@dataclass
class Outcome:
    """What a run came to; `after` is when something was killed, in seconds and in tasks that were done."""

    kind: str
    after: str
    exchange: str
    text: str
    is_right: bool

    def row(self) -> str:
        """As a row of a table, without its borders."""
        return f"{self.kind} | {self.after} | {self.exchange} | {self.text}"

    def __str__(self) -> str:
        word = "ok    " if self.is_right else "FAILED"
        return f"{word} {self.kind} killed after {self.after}, exchange {self.exchange}: {self.text}"


class ChaosRun:
    """A job of which one process is killed. `seed` decides which and when: by what is done, not by time, so that it is
    the same beside other work."""

    def __init__(self, world: ClusterWorld, seed: str, job_id: str, kind: str, pace: Pace) -> None:
        self._world = world
        self._pace = pace
        self._job_id = job_id
        self._kind = kind
        self._chance = random.Random(seed)
        self._data_root = self._chance.choice((world.shared_root, OWN_ROOT))
        self._moment = self._chance.random()
        self._after = ""
        self._lost: Host | None = None

    def outcome(self) -> Outcome:
        """Runs it, and brings back what was killed."""
        try:
            text, is_right = self._run(), True
        except WrongError as error:
            text, is_right = str(error), False
        if self._lost is not None:
            # On an empty host, as after a power cut: what Ray left there is not ours to look after.
            self._world.cluster.start_on(self._world.cluster.network.renew(self._lost))
            self._world.cluster.wait()
        exchange = "own disks" if self._data_root == OWN_ROOT else "shared"
        return Outcome(self._kind, self._after, exchange, text, is_right)

    def _run(self) -> str:
        text = "right"
        driver = self._world.driver(self._data_root, self._job_id)
        self._wait_for_moment(driver)
        is_hit = driver.poll() is None and self._kill(driver)
        code = self._wait(driver)
        if not is_hit:
            text = "done before"
        elif self._kind == "driver":
            code, text = self._run_again()
        if code != 0:
            raise WrongError(f"the job failed: {self._world.said(self._job_id)}")
        self._world.check_output(self._job_id)
        self._world.check_nothing_left(self._data_root, self._job_id)
        return text

    def _wait_for_moment(self, driver: subprocess.Popen[bytes]) -> None:
        begin = time.monotonic()
        share = (self._moment - _EARLY_SHARE) / (1 - _EARLY_SHARE)
        opening = self._pace.opening * self._moment / _EARLY_SHARE if share < 0 else JOB_SECONDS
        done = 0
        while driver.poll() is None and time.monotonic() < begin + opening:
            events = self._world.events(self._data_root, self._job_id)
            done = sum(_is_done(event) for event in events)
            if events and done >= share * self._pace.tasks:
                time.sleep(self._chance.uniform(0, _MOST_WAIT_SECONDS))
                break
            time.sleep(0.02)
        self._after = f"{time.monotonic() - begin:.1f} s, {done} tasks"

    def _run_again(self) -> tuple[int, str]:
        before = self._world.events(self._data_root, self._job_id)
        intact = self._intact(before)
        code = self._wait(self._world.driver(self._data_root, self._job_id))
        after = self._world.events(self._data_root, self._job_id)[len(before) :]
        if again := intact & {_task(event) for event in after if _is_done(event)}:
            raise WrongError(f"tasks ran again whose output was intact: {sorted(again)}")
        return (
            code,
            f"right when run again, without {len(intact)} tasks that were done" if intact else "right, run again",
        )

    def _intact(self, events: list[dict[str, Any]]) -> set[tuple[int, int]]:
        """The tasks whose output is where the driver finds it: all but the last, which may not be in the journal."""
        folder = self._world.job_folder(self._world.cluster.head, self._data_root, self._job_id)
        files = {path.stem for path in folder.glob("exchange/*.exchange")}
        return {_task(event) for event in [one for one in events if _is_done(one)][:-1] if event["attempt"] in files}

    def _wait(self, driver: subprocess.Popen[bytes]) -> int:
        try:
            return driver.wait(timeout=JOB_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill_all(self._world.pids(self._world.cluster.head, "chaos_job"))
            driver.wait(timeout=60)
            raise WrongError(f"the job hangs for {JOB_SECONDS} s") from None

    def _kill(self, driver: subprocess.Popen[bytes]) -> bool:
        """Kills what is to be killed; false when the job was done first."""
        hosts = self._world.cluster.network.hosts
        if self._kind == "driver":
            return self._kill_all(self._world.pids(hosts[0], "chaos_job"))
        if self._kind == "worker":
            return self._kill_a_worker(hosts, driver)
        self._lost = self._chance.choice(hosts[1:])
        if self._kind == "raylet":
            return self._kill_all(self._world.pids(self._lost, "raylet/raylet"))
        return self._kill_all([self._lost.pid])

    def _kill_a_worker(self, hosts: list[Host], driver: subprocess.Popen[bytes]) -> bool:
        # Before there is one the driver is still finding its way.
        while driver.poll() is None:
            if workers := [pid for host in hosts for pid in self._world.pids(host, "millpond.worker")]:
                return self._kill_all([self._chance.choice(workers)])
            time.sleep(0.02)
        return False

    def _kill_all(self, pids: list[int]) -> bool:
        return sum(_kill(pid) for pid in pids) > 0


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _is_done(event: dict[str, Any]) -> bool:
    return bool(event["event"] == "task_finished" and event["status"] == "ok")


def _task(event: dict[str, Any]) -> tuple[int, int]:
    return int(event["stage"]), int(event["partition"])
