"""The command line: `millpond --version`, `millpond sql`, `millpond jobs`, `millpond clean`, `millpond doctor`,
`millpond cluster check`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import warnings
from collections.abc import Sequence

from millpond.cli_arguments import data_root_argument
from millpond.cli_cluster import add_cluster_command
from millpond.cli_sql import add_sql_command
from millpond.doctor import examine
from millpond.errors import MillpondError
from millpond.jobs import AnyJob, default_data_root, find_jobs, local_data_root, remove_jobs
from millpond.sizes import format_size


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command. Returns the exit code."""
    try:
        parser = _parser()
        options = parser.parse_args(arguments)
        if options.command is None:
            parser.print_help()
            return 0
        warnings.showwarning = _show_warning
        code = int(options.run(options))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Who read the output has enough of it (`| head`). The interpreter would complain when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except (OSError, MillpondError) as error:
        print(f"millpond: {error}", file=sys.stderr)
        return 1


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    print(f"millpond: warning: {message}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="millpond", description="DuckDB at any scale: jobs on this machine.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="command")

    add_sql_command(commands)
    jobs = commands.add_parser("jobs", help="list the jobs in data_root")
    jobs.set_defaults(run=_jobs)
    clean = commands.add_parser("clean", help="remove jobs that nobody runs, with all that they keep to go on later")
    clean.set_defaults(run=_clean)
    clean.add_argument("job_id", nargs="*", help="only these jobs")
    clean.add_argument(
        "--older-than", type=float, default=0, metavar="DAYS", help="only jobs not used for so many days"
    )
    clean.add_argument("--dry-run", action="store_true", help="say what would be removed")
    doctor = commands.add_parser("doctor", help="look at this machine as a job would use it, and run a small one")
    doctor.set_defaults(run=_doctor)
    add_cluster_command(commands)
    for command in (jobs, clean, doctor):
        command.add_argument(
            "--data-root",
            type=data_root_argument,
            default=default_data_root(),
            help="where jobs lie (default: %(default)s)",
        )
    return parser


class _Version(argparse.Action):
    """Loads the engine only when the version is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from millpond import _core

        print(f"millpond {_core.version()}")
        parser.exit()


def _jobs(options: argparse.Namespace) -> int:
    jobs = find_jobs(options.data_root)
    if not jobs:
        print(f"no jobs in {options.data_root}")
        return 0
    width = max(len(job.job_id) for job in jobs)
    print(f"{'job_id':{width}}  {'status':12}  {'last used':16}  size")
    for job in jobs:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(job.last_used))
        print(f"{job.job_id:{width}}  {job.status:12}  {used:16}  {format_size(job.num_bytes)}")
    return 0


def _clean(options: argparse.Namespace) -> int:
    jobs = find_jobs(options.data_root)
    if options.job_id:
        unknown = set(options.job_id) - {job.job_id for job in jobs}
        if unknown:
            print(f"millpond: no such job in {options.data_root}: {', '.join(sorted(unknown))}", file=sys.stderr)
            return 1
        jobs = [job for job in jobs if job.job_id in options.job_id]
    seconds = options.older_than * 86400
    if options.dry_run:
        old = [job for job in jobs if time.time() - job.last_used >= seconds]
        _report("would remove", [job for job in old if job.status != "running"])
        return 0
    removed, running = remove_jobs(jobs, seconds)
    _report("removed", removed)
    if running:
        _report("left alone, since it runs:", running)
    return 0


def _doctor(options: argparse.Namespace) -> int:
    findings = []
    for finding in examine(local_data_root(options.data_root)):
        print(finding, flush=True)
        findings.append(finding)
    return 1 if any(finding.status == "error" for finding in findings) else 0


def _report(what: str, jobs: Sequence[AnyJob]) -> None:
    for job in jobs:
        print(f"{what} {job.path}")
    if not jobs:
        print("nothing to remove")


if __name__ == "__main__":
    sys.exit(main())
