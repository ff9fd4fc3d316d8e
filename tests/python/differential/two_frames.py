"""Operators over two frames: unions and joins."""

from __future__ import annotations

import millpond
from hypothesis import strategies as st
from pipeline import Draw, Pipeline, aliased
from random_tables import Column

JOINS = ("JOIN", "LEFT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN")


def union(draw: Draw, before: Pipeline, other: Pipeline) -> Pipeline:
    """Rows of both: of the other table when its columns are the same, else of the frame itself once more."""
    is_alike = [column.type for column in other.columns] == [column.type for column in before.columns]
    if not is_alike:
        half = before.frame.filter("true")
        sql = f"FROM ({before.sql}) UNION ALL FROM ({before.sql})"
        return before.does("union(itself)", before.frame.union(half), sql, keys=None)
    names = {theirs.name: ours.name for theirs, ours in zip(other.columns, before.columns, strict=True)}
    items = ", ".join(aliased(theirs.sql, names[theirs.name]) for theirs in other.columns)
    renamed = other.frame.map(items)
    sql = f"FROM ({before.sql}) UNION ALL SELECT {items} FROM ({other.sql})"
    return before.does("union(other)", before.frame.union(renamed), sql, keys=None)


def join_partitioned(draw: Draw, before: Pipeline, other: Pipeline) -> Pipeline:
    """Both by the hash of a key of one type, joined side by side."""
    pairs = [(a, b) for a in before.columns for b in other.columns if a.type == b.type]
    if not pairs:
        return before
    left, right = draw(st.sampled_from(pairs))
    n = draw(st.sampled_from((2, 3, 16)))
    kind = draw(st.sampled_from(JOINS))
    equal = draw(st.sampled_from(("=", "IS NOT DISTINCT FROM")))
    text = _join(before, other, kind, f"l.{left.sql} {equal} r.{right.sql}")
    ours = before.frame.repartition(n, hash_by=left.name)
    theirs = other.frame.repartition(n, hash_by=right.name)
    frame = ours.partial_sql(text.replace("LEFT SIDE", "{0}").replace("RIGHT SIDE", "{1}"), theirs)
    return _joined(before, other, kind, text, frame, f"repartition({n}, hash_by={left.name!r}).partial_sql({text!r})")


def join_broadcast(draw: Draw, before: Pipeline, other: Pipeline) -> Pipeline:
    """The other frame whole beside each partition."""
    pairs = [(a, b) for a in before.columns for b in other.columns if a.type == b.type]
    if not pairs or other.n != 1:
        return before
    left, right = draw(st.sampled_from(pairs))
    kind = draw(st.sampled_from([join for join in JOINS if join != "FULL JOIN" or before.n == 1]))
    text = _join(before, other, kind, f"l.{left.sql} = r.{right.sql}")
    frame = before.frame.partial_sql(text.replace("LEFT SIDE", "{0}").replace("RIGHT SIDE", "{1}"), other.frame)
    return _joined(before, other, kind, text, frame, f"partial_sql({text!r}, other)")


def group_against_itself(draw: Draw, before: Pipeline, other: Pipeline) -> Pipeline:
    """A frame beside its own groups."""
    if not before.keys:
        return before
    keys = ", ".join(key.sql for key in before.keys)
    same = " AND ".join(f"l.{key.sql} IS NOT DISTINCT FROM r.{key.sql}" for key in before.keys)
    groups = before.frame.partial_sql(f"SELECT {keys}, count(*) AS c FROM {{0}} GROUP BY {keys}")
    text = f'SELECT l.*, r.c AS "its count" FROM LEFT SIDE l JOIN RIGHT SIDE r ON {same}'
    if any(column.name == "its count" for column in before.columns):
        return before
    frame = before.frame.partial_sql(text.replace("LEFT SIDE", "{0}").replace("RIGHT SIDE", "{1}"), groups)
    grouped = f"(SELECT {keys}, count(*) AS c FROM ({before.sql}) GROUP BY {keys})"
    sql = text.replace("LEFT SIDE", f"({before.sql})").replace("RIGHT SIDE", grouped)
    columns = (*before.columns, Column("its count", "BIGINT"))
    return before.does(f"partial_sql({text!r}, its own groups)", frame, sql, columns=columns)


def _columns_of(before: Pipeline, other: Pipeline, kind: str) -> tuple[Column, ...]:
    columns = [Column(f"l{i}", column.type) for i, column in enumerate(before.columns)]
    if kind not in ("SEMI JOIN", "ANTI JOIN"):
        columns += [Column(f"r{i}", column.type) for i, column in enumerate(other.columns)]
    return tuple(columns)


def _join(before: Pipeline, other: Pipeline, kind: str, condition: str) -> str:
    items = [aliased(f"l.{column.sql}", f"l{i}") for i, column in enumerate(before.columns)]
    if kind not in ("SEMI JOIN", "ANTI JOIN"):
        items += [aliased(f"r.{column.sql}", f"r{i}") for i, column in enumerate(other.columns)]
    return f"SELECT {', '.join(items)} FROM LEFT SIDE l {kind} RIGHT SIDE r ON {condition}"


def _joined(before: Pipeline, other: Pipeline, kind: str, text: str, frame: millpond.DataFrame, step: str) -> Pipeline:
    sql = text.replace("LEFT SIDE", f"({before.sql})").replace("RIGHT SIDE", f"({other.sql})")
    keys = () if frame.num_partitions == 1 else None
    columns = _columns_of(before, other, kind)
    return before.does(step, frame, sql, columns=columns, keys=keys)


TWO_FRAMES = (union, union, join_partitioned, join_partitioned, join_broadcast, group_against_itself)
