"""SIGKILL at random moments on a Ray cluster of three hosts, over a job that deals, joins and writes rows.

    python tests/cluster/chaos.py [--runs N] [--seed S] [--first K] [--list FILE]

Each run kills one random process: a worker of a task, a raylet, all of a node with its object store and disk, or the
driver, each kind once in four runs. The exchange lies on a folder that all hosts share, or on each host's own disk.
The result must be DuckDB's, with no row lost or doubled; for the driver, right after the same job is run again at once,
in which no task runs again whose output is still there. No process and no file may be left on any host. The hosts stay
from run to run; what was killed is brought back. Needs root. Exit code 1 when a run was not right; a run is repeated by
its seed and number: `--seed S --first K --runs 1`.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from chaos_run import KINDS, ChaosRun, Outcome, Pace
from cluster_world import JOB_SECONDS, OWN_ROOT, ClusterWorld
from hosts import Network
from ray_cluster import RayCluster
from standstill import StandStill

_STILL_SECONDS = 10
_MOST_TRIES = 5
# Ray takes 15 s to notice that a node is gone, and runs follow each other sooner.
_QUICK_HEALTH_CHECKS = {
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "4",
}


def kind_of(seed: int, number: int) -> str:
    """What run `number` kills: each kind once in four runs, in random order."""
    block, place = divmod(number, len(KINDS))
    return random.Random(f"{seed}/{block}").sample(KINDS, len(KINDS))[place]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100, help="how many (default: 100)")
    parser.add_argument("--seed", type=int, default=None, help="repeats the kinds and moments of an earlier campaign")
    parser.add_argument("--first", type=int, default=0, help="the number of the first run (default: 0)")
    parser.add_argument("--list", type=Path, default=None, help="a file for the list of outcomes, as a Markdown table")
    return parser.parse_args()


def rehearse(world: ClusterWorld) -> Pace:
    """How the job goes undisturbed, on a cluster that is warm."""
    for number in range(_MOST_TRIES):
        begin = time.time()
        job_id = f"rehearsal-{number}"
        with StandStill() as still:
            code = world.driver(OWN_ROOT, job_id).wait(timeout=2 * JOB_SECONDS)
        if still.longest < _STILL_SECONDS and number > 0:
            if code != 0:
                raise RuntimeError(f"the undisturbed job failed: {world.said(job_id)}")
            events = world.events(OWN_ROOT, job_id)
            return Pace(events[0]["time"] - begin, sum(event["event"] == "task_finished" for event in events))
    raise RuntimeError("this machine stands still too often to measure a job on it")


def campaign(world: ClusterWorld, seed: int, numbers: range, pace: Pace) -> list[Outcome]:
    return [run(world, seed, number, pace) for number in numbers]


def run(world: ClusterWorld, seed: int, number: int, pace: Pace) -> Outcome:
    """One run; once more when the machine stood still in it, since Ray and millpond both take that for death."""
    for again in range(_MOST_TRIES):
        begin = time.monotonic()
        job_id = f"chaos-{number}" + (f"-again-{again}" if again else "")
        with StandStill() as still:
            outcome = ChaosRun(world, f"{seed}/{number}", job_id, kind_of(seed, number), pace).outcome()
        print(f"{number:3} {outcome} ({time.monotonic() - begin:.1f} s)", flush=True)
        if still.longest < _STILL_SECONDS:
            break
        print(f"    the machine stood still for {still.longest:.0f} s; once more", flush=True)
    return outcome


def table(seed: int, first: int, outcomes: list[Outcome]) -> str:
    lines = [f"| run (seed {seed}) | killed | after | exchange | outcome |", "|---|---|---|---|---|"]
    lines += [f"| {number} | {outcome.row()} |" for number, outcome in enumerate(outcomes, first)]
    return "\n".join(lines) + "\n"


def main() -> int:
    options = parse()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    # However it ends, the hosts end with it.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    begin = time.monotonic()
    # Not below /tmp, of which every host has its own.
    folder = Path(tempfile.mkdtemp(prefix="millpond-chaos-", dir="/var/tmp"))
    try:
        with Network(3) as network:
            cluster = RayCluster(network, folder, cpus=1, **_QUICK_HEALTH_CHECKS)
            world = ClusterWorld(folder, cluster)
            cluster.start()
            pace = rehearse(world)
            ready = time.monotonic() - begin
            print(
                f"seed {seed}; ready after {ready:.1f} s; {pace.opening:.1f} s and {pace.tasks} tasks a job", flush=True
            )
            outcomes = campaign(world, seed, range(options.first, options.first + options.runs), pace)
    finally:
        shutil.rmtree(folder)
    if options.list:
        options.list.write_text(table(seed, options.first, outcomes))
    failed = sum(not outcome.is_right for outcome in outcomes)
    print(f"chaos: {len(outcomes) - failed} right, {failed} wrong, seed {seed}, {time.monotonic() - begin:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
