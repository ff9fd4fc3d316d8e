"""Which write of which program a commit of a table is."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from millpond.source_line import source_line, warn

if TYPE_CHECKING:
    from millpond.dataframe import DataFrame
    from millpond.session import Session

# Of a node of a plan, what is not part of what it computes, or is said by the others.
_APART = ("id", "name", "location", "partitioning", "fingerprint", "inputs")


@dataclass(frozen=True)
class WriteIdentity:
    """One write to a table: `id` is the same when the same program runs again under its job id, else another.

    It goes by the job, the number of the write in it, and what is computed of which files. A frame that reads the very
    table it is written to can't go by the plan, which its own commit changes: there job and number alone count, and
    `plan` says by what it was computed, the table's own files left out.
    """

    id: str
    #: At most 2^48.
    plan: int

    def note_skipped(self, table: str, plan: int) -> None:
        """Warns when the write that is in the table already was computed by another plan than this one."""
        if plan != self.plan:
            warn(
                f'a write to "{table}" is left out, since this job has done it already; but what it computes now is '
                "something else. Give the program another job_id if it has changed.",
                source_line(),
            )


def write_identity(frame: DataFrame, root: str, details: str) -> WriteIdentity:
    """The identity of the next write, of `frame`, to the table at `root`."""
    table = table_root(root)
    plan, reads_itself = _plan_beside(frame, table)
    session = frame.session
    text = json.dumps([session.job_id, table, details, session._next_table_write(), None if reads_itself else plan])
    number = int(hashlib.sha256(json.dumps(plan).encode()).hexdigest()[:12], 16)
    return WriteIdentity("millpond-" + hashlib.sha256(text.encode()).hexdigest()[:24], number)


def note_table_read(session: Session, frame: DataFrame, root: str) -> None:
    """Remembers that what `frame`'s last node gives is a version of the table at `root`."""
    fingerprint = json.loads(frame._frame.plan_json())["nodes"][-1]["fingerprint"]
    session._tables_read.setdefault(fingerprint, set()).add(table_root(root))


def table_root(path: str) -> str:
    """A table's place in one form."""
    if path.startswith("file:"):
        path = "/" + path.removeprefix("file:").lstrip("/")
    return path.rstrip("/") if "://" in path else os.path.realpath(path)


def _plan_beside(frame: DataFrame, table: str) -> tuple[list[Any], bool]:
    """What is computed of which files, but for those of one table, and whether it is read at all."""
    nodes = json.loads(frame._frame.plan_json())["nodes"]
    known = frame.session._tables_read
    own = {node["id"] for node in nodes if table in known.get(node["fingerprint"], ())}
    # Inputs stand before what they are inputs of.
    wanted = {nodes[-1]["id"]}
    for node in reversed(nodes):
        if node["id"] in wanted - own:
            wanted.update(node["inputs"])
    reads_itself = bool(own & wanted)
    places = {number: place for place, number in enumerate(sorted(wanted))}
    plan = []
    for node in nodes:
        if node["id"] not in wanted:
            continue
        if node["id"] in own:
            plan.append({"table": table})
            continue
        entry = {key: value for key, value in node.items() if key not in _APART}
        entry["inputs"] = [places[number] for number in node["inputs"]]
        if node["op"] == "scan":
            others = [file for file in node["files"] if not table_root(file["path"]).startswith(f"{table}/")]
            reads_itself = reads_itself or len(others) < len(node["files"])
            entry["files"] = others
        plan.append(entry)
    return plan, reads_itself
