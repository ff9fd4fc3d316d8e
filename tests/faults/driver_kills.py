"""kill -9 of the driver at random moments, again and again, until the job is done."""

from __future__ import annotations

import random
import time
from typing import Any

from world import BrokenPromiseError, World, children, driver, kill, wait_until_gone

Task = tuple[int, int]


#: What an output that is overwritten holds before.
OLDER = 1


def run_job(world: World, name: str, runner: str, mode: str, kills: int, chance: random.Random) -> int:
    """One job, killed up to `kills` times. Returns how often it was; prints how many tasks were not run again."""
    output = world.outputs / name
    batch_seconds = 0.05 if runner == "processes" else 0
    settings = world.settings(output, job_id=name, runner=runner, mode=mode, batch_seconds=batch_seconds)
    whole = _duration(world, name, settings)
    older = OLDER if mode == "overwrite" else None
    if older is not None:
        _finish(world, name, {**settings, "job_id": f"{name}-older", "shift": older})
    done = 0
    seen = 0
    recorded: set[Task] = set()
    is_killed = True
    while is_killed and done < kills:
        is_killed = _run_and_kill(settings, chance.uniform(0, whole))
        done += is_killed
        world.check_output(output, older)
        events = world.events(name)
        recorded |= _check_resumed(events[seen:], recorded, is_killed)
        seen = len(events)
    _finish(world, name, settings)
    world.check_output(output)
    _check_resumed(world.events(name)[seen:], recorded, False)
    if not output.exists():
        raise BrokenPromiseError(f"{name} is done but wrote nothing")
    world.check_nothing_beside(output)
    left = {path.name for path in (world.data_root / name).iterdir()} - {"journal", "events.jsonl"}
    if left:
        raise BrokenPromiseError(f"left in the folder of the finished job {name}: {sorted(left)}")
    reused = sum(event["event"] == "task_reused" for event in world.events(name))
    print(f"   {name}: {reused} tasks reused, {len(recorded)} recorded before the last run", flush=True)
    return done


def _duration(world: World, name: str, settings: dict[str, Any]) -> float:
    """Seconds from start to end of the same job elsewhere, undisturbed."""
    begin = time.monotonic()
    output = world.outputs / f"{name}-rehearsal"
    _finish(world, f"{name}-rehearsal", {**settings, "job_id": f"{name}-rehearsal", "output": str(output)})
    return time.monotonic() - begin


def _finish(world: World, name: str, settings: dict[str, Any]) -> None:
    with driver(settings) as process:
        _, error = process.communicate(timeout=120)
        if process.returncode != 0:
            raise BrokenPromiseError(f"{name} failed: {error}")


def _run_and_kill(settings: dict[str, Any], after: float) -> bool:
    """True when the driver was killed before it was done."""
    with driver(settings) as process:
        end = time.monotonic() + after
        while time.monotonic() < end and process.poll() is None:
            time.sleep(0.002)
        workers = children(process.pid)
        if process.poll() is not None or not kill(process.pid):
            return False
        process.wait()
        wait_until_gone(workers, 10)
        return process.returncode < 0


def _check_resumed(events: list[dict[str, Any]], recorded: set[Task], is_killed: bool) -> set[Task]:
    """No task that was recorded runs again. Gives what this run recorded: of a killed run all but the last task that
    finished, which may not have reached the journal."""
    finished = [_task(event) for event in events if event["event"] == "task_finished" and event["status"] == "ok"]
    again = recorded & set(finished)
    if again:
        raise BrokenPromiseError(f"finished tasks ran again: {sorted(again)}")
    return set(finished[:-1] if is_killed else finished)


def _task(event: dict[str, Any]) -> Task:
    return int(event["stage"]), int(event["partition"])
