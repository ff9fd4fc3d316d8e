"""`millpond cluster check`: the nodes of a Ray cluster, as a session would use them."""

from __future__ import annotations

import argparse
from typing import Any

from millpond.cli_arguments import data_root_argument
from millpond.jobs import default_data_root, local_data_root
from millpond.settings import from_environment


def add_cluster_command(commands: Any) -> None:
    """Adds `cluster` to the commands."""
    cluster = commands.add_parser("cluster", help="look at a Ray cluster")
    actions = cluster.add_subparsers(dest="action", metavar="action", required=True)
    check = actions.add_parser("check", help="look at each node as a job would use it")
    check.set_defaults(run=_check)
    check.add_argument("path", nargs="*", help="input that every node must be able to read: a path, or s3://bucket/key")
    address = from_environment("RAY_ADDRESS") or "auto"
    check.add_argument(
        "--address", default=address, help="as ray_address: auto, or host:port of the head (default: %(default)s)"
    )
    check.add_argument(
        "--data-root",
        type=data_root_argument,
        default=default_data_root(),
        help="where jobs will lie (default: %(default)s)",
    )


def _check(options: argparse.Namespace) -> int:
    from millpond.cluster_check import examine_cluster

    findings = []
    for finding in examine_cluster(options.address, local_data_root(options.data_root).absolute(), options.path):
        print(finding, flush=True)
        findings.append(finding)
    return 1 if any(finding.status == "error" for finding in findings) else 0
