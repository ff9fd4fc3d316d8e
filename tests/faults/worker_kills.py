"""kill -9 of a random worker process every half second."""

from __future__ import annotations

import random
import time
from pathlib import Path

from world import BrokenPromiseError, World, children, driver, kill

EVERY_SECONDS = 0.5
#: A task gives up when its workers died this often. On a slow machine that can happen; the job goes on when run again.
TOO_OFTEN = ("the last of 9 attempts", "before it was ready")


def run_job(world: World, name: str, chance: random.Random) -> int:
    """One job on worker processes. Returns how many were killed."""
    output = world.outputs / name
    killed = 0
    for _ in range(5):
        more, error = _run_once(world, name, output, chance)
        killed += more
        if not any(text in error for text in TOO_OFTEN):
            break
    if error:
        raise BrokenPromiseError(f"{name} failed after {killed} kills: {error}")
    world.check_output(output)
    if not output.exists():
        raise BrokenPromiseError(f"{name} is done but wrote nothing")
    world.check_nothing_beside(output)
    return killed


def _run_once(world: World, name: str, output: Path, chance: random.Random) -> tuple[int, str]:
    """How many workers were killed, and why the job failed if it did."""
    killed = 0
    with driver(world.settings(output, job_id=name, runner="processes", batch_seconds=0.3)) as process:
        next_kill = time.monotonic() + EVERY_SECONDS
        end = time.monotonic() + 120
        while process.poll() is None:
            if time.monotonic() > end:
                raise BrokenPromiseError(f"{name} hangs after {killed} kills")
            time.sleep(0.01)
            if time.monotonic() >= next_kill:
                workers = children(process.pid)
                killed += bool(workers) and kill(chance.choice(workers))
                next_kill += EVERY_SECONDS
        _, error = process.communicate()
        return killed, error if process.returncode != 0 else ""
