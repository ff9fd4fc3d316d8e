"""Frames made by the relational methods, each with the SQL that says what it holds; for test_relational.py."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from typing import NamedTuple

from millpond import DataFrame, col, lit, sql_expr, when

Frames = dict[str, DataFrame]

# Keys with NULL, NaN and -0.0; names with spaces, quotes, letters beyond ASCII and two cases; no rows.
TABLES = {
    "t": "SELECT i AS id, CASE WHEN i % 7 > 0 THEN i % 5 END AS k, 's' || i % 3 AS s, "
    "CASE WHEN i % 11 = 0 THEN 'nan'::DOUBLE WHEN i % 13 > 0 THEN i / 4 - 3 END AS v, "
    "CASE WHEN i % 4 > 0 THEN [i, i + 1, NULL][: i % 4] WHEN i % 8 = 0 THEN [] END AS l, "
    "{'x': i, 'Y z': 's' || i} AS st FROM range(60) r(i)",
    "u": "SELECT CASE WHEN i < 6 THEN i END AS k, i * 10 AS v, 'u' || i AS name FROM range(8) r(i)",
    "w": "SELECT v AS f, count(*) AS n FROM t GROUP BY v",
    "odd": """SELECT i % 3 AS "a b", CASE WHEN i % 2 = 0 THEN 'it''s "x"' ELSE 'é' END AS "q""é",
        i AS "É", i * 2 AS "é",
        i - 5 AS "SELECT" FROM range(20) r(i)""",
    "e": "SELECT * FROM t WHERE false",
    "z": "SELECT x AS f, i FROM (VALUES (0.0::DOUBLE, 1), (-0.0, 2), ('nan', 3), ('nan', 4), (NULL, 5), (1, 6)) "
    "r(x, i)",
    "trades": "SELECT i * 3 AS at, 'T' || i % 2 AS ticker, i AS volume FROM range(20) r(i)",
    "quotes": "SELECT (i * 7) % 50 AS at, 'T' || i % 2 AS ticker, i AS bid FROM range(20) r(i)",
}


class Case(NamedTuple):
    """A frame and the SQL that says what it holds."""

    name: str
    frame: Callable[[Frames], DataFrame]
    sql: str
    is_ordered: bool = False


def case(sql: str, frame: Callable[[Frames], DataFrame], is_ordered: bool = False) -> Case:
    return Case(sql, frame, sql, is_ordered)


JOINS = [
    case("SELECT t.*, u.v AS v_right, name FROM t JOIN u USING (k)", lambda f: f["t"].join(f["u"], on="k")),
    case(
        "SELECT t.*, u.v AS v_right, name FROM t LEFT JOIN u ON t.k = u.k",
        lambda f: f["t"].join(f["u"], "k", "left"),
    ),
    case(
        "SELECT id, u.k, s, t.v, l, st, u.v AS v_right, name FROM t RIGHT JOIN u ON t.k = u.k",
        lambda f: f["t"].join(f["u"], on="K", how="right"),
    ),
    case(
        "SELECT id, coalesce(t.k, u.k) AS k, s, t.v, l, st, u.v AS v_right, name FROM t FULL JOIN u ON t.k = u.k",
        lambda f: f["t"].join(f["u"], on=col("k"), how="full"),
    ),
    case("SELECT t.* FROM t SEMI JOIN u ON t.k = u.k", lambda f: f["t"].join(f["u"], on="k", how="semi")),
    case("SELECT t.* FROM t ANTI JOIN u ON t.k = u.k", lambda f: f["t"].join(f["u"], on="k", how="anti")),
    case(
        'SELECT u.*, x.k AS "k 2", x.v AS "v 2", x.name AS "name 2" FROM u CROSS JOIN u x',
        lambda f: f["u"].join(f["u"], how="cross", suffix=" 2"),
    ),
    case(
        "SELECT u.*, t.id, t.k AS k_right, s, t.v AS v_right, l, st FROM u JOIN t ON u.v = t.id AND u.name > t.s",
        lambda f: f["u"].join(f["t"], condition="left.v = right.id AND Left.name > RIGHT.s -- all of it"),
    ),
    case(
        "SELECT u.*, t.id, s, t.v AS v_right, l, st FROM u LEFT JOIN t ON u.k = t.k AND u.v < t.id",
        lambda f: f["u"].join(f["t"], on="k", how="left", condition=sql_expr("left.v < right.id")),
    ),
    case(
        "SELECT t.* FROM t ANTI JOIN u ON t.k = u.k AND t.id > u.v",
        lambda f: f["t"].join(f["u"], on="k", how="anti", condition="left.id > right.v"),
    ),
    case(
        "SELECT t.*, u.k AS k_right, u.v AS v_right, name FROM t JOIN u ON t.id % 8 = u.v // 10",
        lambda f: f["t"].join(f["u"], left_on="id % 8", right_on=col("v") // 10),
    ),
    case(
        "SELECT u.*, t.k AS k_right, s, t.v AS v_right, l, st FROM u JOIN t ON u.v = t.id "
        "AND upper(u.name) > upper(t.s)",
        lambda f: f["u"].join(f["t"], left_on="v", right_on="id", condition="upper(left.name) > upper(right.s)"),
    ),
    case(
        "SELECT u.*, t.id, s, t.v AS v_right, l, st FROM u JOIN t ON u.k IS NOT DISTINCT FROM t.k",
        lambda f: f["u"].join(f["t"], on="k", nulls_equal=True),
    ),
    case("SELECT t.*, n FROM t JOIN w ON t.v = w.f", lambda f: f["t"].join(f["w"], left_on="v", right_on="f")),
    case("SELECT z.*, y.i AS i_right FROM z JOIN z y ON z.f = y.f", lambda f: f["z"].join(f["z"], on="f")),
    case(
        """SELECT coalesce(a."É", b."É") AS "É", a."a b", a."q""é", a."é", a."SELECT", b."a b" AS "a b_right",
        b."q""é" AS "q""é_right", b."é" AS "é_right", b."SELECT" AS "SELECT_right"
        FROM odd a FULL JOIN (SELECT * REPLACE ("É" + 5 AS "É") FROM odd) b USING ("É")""",
        lambda f: (
            f["odd"]
            .join(f["odd"].with_columns({"É": col("É") + 5}), on="É", how="full")
            .select("É", "a b", 'q"é', "é", "SELECT", "a b_right", 'q"é_right', "é_right", "SELECT_right")
        ),
    ),
    case("SELECT u.*, id FROM u JOIN e USING (k)", lambda f: f["u"].join(f["e"].select("k", "id"), on="k")),
    case("SELECT u.* FROM u ANTI JOIN e USING (k)", lambda f: f["u"].join(f["e"], on="k", how="anti")),
    case(
        "SELECT a.*, bid FROM trades a ASOF LEFT JOIN quotes b ON a.ticker = b.ticker AND a.at >= b.at",
        lambda f: f["trades"].join_asof(f["quotes"], on="at", by="ticker"),
    ),
    case(
        "SELECT a.*, b.at AS found, b.ticker AS ticker_right, bid FROM trades a ASOF LEFT JOIN quotes b ON a.at < b.at",
        lambda f: f["trades"].join_asof(
            f["quotes"].rename(at="found"),
            left_on="at",
            right_on="found",
            strategy="forward",
            allow_exact_matches=False,
        ),
    ),
]

GROUPS = [
    case(
        "SELECT k, max(v) AS v, count(*) AS n, list(id ORDER BY id DESC) AS ids FROM t GROUP BY k",
        lambda f: f["t"].group_by("k").agg(col("v").max(), n="count(*)", ids=col("id").list(col("id").desc())),
    ),
    case("SELECT v, count(*) AS count FROM t GROUP BY v", lambda f: f["t"].group_by(col("v")).count()),
    case("SELECT f, count(*) AS count FROM z GROUP BY f", lambda f: f["z"].group_by("f").count()),
    case(
        "SELECT id // 10 AS d, s, sum(id) AS id, avg(v) AS m FROM t WHERE NOT isnan(v) GROUP BY ALL",
        lambda f: (
            f["t"]
            .filter(~sql_expr("isnan(v)"))
            .group_by((col("id") // 10).alias("d"), "s")
            .agg("sum(id) AS id", m="avg(v)")
        ),
    ),
    case(
        "SELECT id % 2 = 1 AS odd, median(id) AS id FROM t GROUP BY ALL",
        lambda f: f["t"].group_by(odd="id % 2 = 1").median("id"),
    ),
    case(
        "SELECT s, sum(id) AS id, sum(k) AS k FROM t GROUP BY s",
        lambda f: f["t"].select("s", "id", "k").group_by("s").sum(),
    ),
    case("SELECT s, avg(id) AS id FROM t GROUP BY s", lambda f: f["t"].group_by("s").mean(col("id"))),
    case("SELECT s, min(id) AS id, min(v) AS v FROM t GROUP BY s", lambda f: f["t"].group_by(["s"]).min(["id", "v"])),
    case("SELECT s, max(v) AS v FROM t GROUP BY s", lambda f: f["t"].group_by("s").max("V")),
    case("SELECT s, stddev_samp(id) AS id FROM t GROUP BY s", lambda f: f["t"].group_by("s").std("id")),
    case("SELECT s, var_samp(id) AS id FROM t GROUP BY s", lambda f: f["t"].group_by("s").var("id")),
    case("SELECT s, count(DISTINCT k) AS k FROM t GROUP BY s", lambda f: f["t"].group_by("s").n_unique("k")),
    case("SELECT id, first(s) AS s FROM t GROUP BY id", lambda f: f["t"].group_by("id").first("s")),
    case("SELECT id, last(s) AS s FROM t GROUP BY id", lambda f: f["t"].group_by("id").last("s")),
    case("SELECT id, any_value(s) AS s FROM t GROUP BY id", lambda f: f["t"].group_by("id").any_value("s")),
    case("SELECT id, list(s) AS s FROM t GROUP BY id", lambda f: f["t"].group_by("id").list("s")),
    case(
        'SELECT "a b", sum("SELECT") AS "SELECT", max("é") AS "É" FROM odd GROUP BY "a b"',
        lambda f: f["odd"].group_by("a b").agg(col("SELECT").sum(), É=col("é").max()),
    ),
    case("SELECT k, count(*) AS count FROM e GROUP BY k", lambda f: f["e"].group_by("k").count()),
    case(
        "SELECT count(*) AS n, sum(id) AS id, quantile_cont(id, 0.3) AS q, first(id ORDER BY s, id) AS a, "
        "last(id ORDER BY id) AS b, count(v) AS v, count(DISTINCT k) AS k FROM t",
        lambda f: f["t"].aggregate(
            "count(*) AS n",
            col("id").sum(),
            col("id").quantile(0.3).alias("q"),
            col("id").first(["s", "id"]).alias("a"),
            b=col("id").last(order_by="id"),
            v=col("v").count(),
            k=col("k").n_unique(),
        ),
    ),
    case(
        "SELECT stddev_samp(id) AS a, var_samp(id) AS b, median(id) AS c, min(id) AS d, avg(id) AS e, "
        "any_value(1) AS f FROM t",
        lambda f: f["t"].aggregate(
            a=col("id").std(),
            b=col("id").var(),
            c=col("id").median(),
            d=col("id").min(),
            e=col("id").mean(),
            f=lit(1).any_value(),
        ),
    ),
    case("SELECT count(*) AS n, sum(id) AS m FROM e", lambda f: f["e"].aggregate(n="count(*)", m="sum(id)")),
    case(
        "SELECT s, count(*) AS n FROM t GROUP BY s ORDER BY n DESC, s",
        lambda f: f["t"].value_counts("s", name="n"),
        True,
    ),
    case("SELECT upper(s), count(*) AS count FROM t GROUP BY 1", lambda f: f["t"].value_counts("upper(s)")),
    case(
        "SELECT id, sum(id) OVER (PARTITION BY s ORDER BY id) AS s, row_number() OVER (ORDER BY id DESC) AS r, "
        "max(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS m, count(*) OVER () AS c FROM t",
        lambda f: (
            f["t"]
            .select("id", "s")
            .with_window(
                col("id").sum().over("s", order_by="id").alias("s"),
                r=sql_expr("row_number()").over(order_by=col("id").desc()),
                m=col("id").max().over(order_by="id", frame="ROWS BETWEEN 1 PRECEDING AND CURRENT ROW"),
                c=sql_expr("count(*)").over(),
            )
        ),
    ),
]

ORDER = [
    case("SELECT * FROM t ORDER BY k, id DESC", lambda f: f["t"].sort("k", "id DESC"), True),
    case("SELECT * FROM t ORDER BY v DESC NULLS LAST, id", lambda f: f["t"].sort(col("v").desc(), "id"), True),
    case(
        "SELECT * FROM t ORDER BY v DESC NULLS FIRST, id",
        lambda f: f["t"].sort(col("v").desc(nulls_last=False), "id"),
        True,
    ),
    case(
        "SELECT * FROM t ORDER BY k ASC NULLS FIRST, id",
        lambda f: f["t"].sort(col("k").asc(nulls_last=False), "id"),
        True,
    ),
    case(
        "SELECT * FROM t ORDER BY k DESC NULLS FIRST, id ASC",
        lambda f: f["t"].sort(["k", "id"], descending=[True, False], nulls_last=[False, True]),
        True,
    ),
    case(
        "SELECT * FROM t ORDER BY k % 2 DESC NULLS LAST, id DESC",
        lambda f: f["t"].sort("k % 2", "id", descending=True),
        True,
    ),
    case(
        'SELECT * FROM odd ORDER BY "a b" DESC, "É"',
        lambda f: f["odd"].sort("a b", "É", descending=[True, False]),
        True,
    ),
    case("SELECT * FROM t ORDER BY id DESC LIMIT 7", lambda f: f["t"].top_k(7, "id"), True),
    case("SELECT * FROM t ORDER BY k, id LIMIT 50", lambda f: f["t"].top_k(50, ["k", "id"], reverse=True), True),
    case("SELECT * FROM e", lambda f: f["e"].sort("id"), True),
]

SETS = [
    case("SELECT DISTINCT k, s FROM t", lambda f: f["t"].select("k", "s").distinct()),
    case("SELECT DISTINCT v FROM t", lambda f: f["t"].select("v").unique()),
    case("SELECT DISTINCT f FROM z", lambda f: f["z"].select("f").distinct()),
    case("SELECT DISTINCT k, s FROM t", lambda f: f["t"].distinct(["k", "s"]).select("k", "s")),
    case("SELECT DISTINCT id % 4 AS r FROM t", lambda f: f["t"].distinct("id % 4").select("id % 4 AS r")),
    case(
        "SELECT k, v FROM t UNION ALL SELECT k, v FROM u",
        lambda f: f["t"].select("k", "v").union_by_name(f["u"].select("v", "K")),
    ),
    case(
        "SELECT * FROM u UNION ALL BY NAME SELECT k, id FROM t",
        lambda f: f["u"].union_by_name(f["t"].select("k", "id"), allow_missing_columns=True),
    ),
    case("SELECT k FROM t INTERSECT SELECT k FROM u", lambda f: f["t"].select("k").intersect(f["u"].select("k"))),
    case(
        "SELECT k, k + 1 AS j FROM t INTERSECT ALL (SELECT k, k + 1 FROM u UNION ALL SELECT k, k + 1 FROM u)",
        lambda f: (
            f["t"]
            .select("k", j="k + 1")
            .intersect(f["u"].select("k + 1 AS j", "k").union(f["u"].select("k + 1 AS j", "k")), keep_duplicates=True)
        ),
    ),
    case(
        "SELECT k FROM t EXCEPT SELECT k FROM u WHERE k < 3",
        lambda f: f["t"].select("k").except_(f["u"].filter(col("k") < 3).select("k")),
    ),
    case(
        "SELECT k FROM t EXCEPT ALL SELECT k FROM u",
        lambda f: f["t"].select("k").except_(f["u"].select("k"), keep_duplicates=True),
    ),
    case(
        "SELECT f FROM z EXCEPT SELECT f FROM z WHERE i IN (1, 3)",
        lambda f: f["z"].select("f").except_(f["z"].filter(col("i").is_in([1, 3])).select("f")),
    ),
    case("SELECT * FROM u", lambda f: f["u"].union_by_name(f["u"].filter("false"))),
]

SHAPES = [
    case(
        "SELECT * FROM (PIVOT (SELECT k, s, id FROM t) ON s USING sum(id) GROUP BY k)",
        lambda f: f["t"].pivot("s", "id", "k", "sum"),
    ),
    case(
        'SELECT s, count(id) FILTER (k = 3) AS "3", count(id) FILTER (k IS NULL) AS "NULL", '
        'count(id) FILTER (k = 9) AS "9" FROM t GROUP BY s',
        lambda f: f["t"].pivot("k", "id", "s", "count", columns=[3, None, 9]),
    ),
    case(
        """SELECT count(*) AS n, sum(i) FILTER (f = 0) AS "0.0", sum(i) FILTER (f = 1) AS "1.0",
        sum(i) FILTER (isnan(f)) AS "nan" FROM z GROUP BY ()""",
        lambda f: (
            f["z"]
            .with_columns(f="CASE WHEN f = 0 THEN 0 ELSE f END", n=lit(6))
            .pivot("f", "i", "n", "sum")
            .with_columns(n="n::BIGINT")
        ),
    ),
    case(
        "SELECT k, avg(id) FILTER (s = 's1') AS id_s1, avg(v) FILTER (s = 's1') AS v_s1 FROM t GROUP BY k",
        lambda f: f["t"].pivot("s", ["id", "v"], "k", "mean", columns=["s1"]),
    ),
    case("SELECT k FROM e", lambda f: f["e"].pivot("s", "id", "k", "sum")),
    case(
        "SELECT * FROM (SELECT id, k, v FROM t) UNPIVOT INCLUDE NULLS (value FOR variable IN (k, v))",
        lambda f: f["t"].select("id", "k", "v").unpivot(["k", "V"]),
    ),
    case(
        'SELECT * FROM (SELECT "a b", "é", "É" FROM odd) UNPIVOT INCLUDE NULLS '
        '("the value" FOR "which ""one" IN ("é", "É"))',
        lambda f: f["odd"].unpivot(index="a b", on=["é", "É"], variable_name='which "one', value_name="the value"),
    ),
    case(
        "SELECT id, s, unnest(CASE WHEN len(l) > 0 THEN l ELSE [NULL] END) AS l FROM t",
        lambda f: f["t"].select("id", "s", "l").explode("L"),
    ),
    case(
        "SELECT id, unnest(CASE WHEN len(l) > 0 THEN l ELSE [NULL] END) AS l, unnest([id, 1]) AS m FROM t",
        lambda f: f["t"].select("id", "l", m="[id, 1]").explode("l", "m"),
    ),
    case("SELECT unnest([id, 7]) AS a FROM t", lambda f: f["t"].select(a="[id, 7]::BIGINT[2]").explode("a")),
    case("SELECT id, unnest(l) AS l FROM t", lambda f: f["t"].select("id", "l").unnest("l")),
    case('SELECT id, st.x, st."Y z", s FROM t', lambda f: f["t"].select("id", "st", "s").unnest("st")),
    case("SELECT * FROM (SUMMARIZE SELECT id, s FROM t)", lambda f: f["t"].select("id", "s").summarize()),
    case("SELECT * FROM (SUMMARIZE SELECT id, s FROM t)", lambda f: f["t"].select("id", "s").describe()),
    case(
        "SELECT id, coalesce(k, 0) AS k, s, coalesce(v, 0) AS v, l, st FROM t",
        lambda f: f["t"].fill_null(0),
    ),
    case(
        "SELECT id, coalesce(k, id) AS k, s, coalesce(v, 0.5) AS v, l, st FROM t",
        lambda f: f["t"].fill_null({"K": col("id"), "v": 0.5}),
    ),
    case(
        "SELECT id, coalesce(x, 'it''s {0} --') AS x FROM (SELECT id, CASE WHEN id > 5 THEN s END AS x FROM t)",
        lambda f: f["t"].select("id", x="CASE WHEN id > 5 THEN s END").fill_null("it's {0} --"),
    ),
    case("SELECT * FROM t WHERE k IS NOT NULL AND v IS NOT NULL AND l IS NOT NULL", lambda f: f["t"].drop_nulls()),
    case("SELECT * FROM t WHERE k IS NOT NULL", lambda f: f["t"].drop_nulls(["k", "s"])),
]

EXPRESSIONS = [
    case(
        "SELECT id + 1 AS a, 1 - id AS b, -id * -2 AS c, id / 7 AS d, id // 7 AS e, -id % 7 AS f, id ** 2 AS g, "
        "100 // (id + 1) AS h, 2 ** (id % 5) AS i, 100 % (id + 1) AS j, 1 / (id + 1) AS m, "
        "3 * id AS n, 1 + id AS o FROM t",
        lambda f: f["t"].select(
            a=col("id") + 1,
            b=1 - col("id"),
            c=-col("id") * -2,
            d=col("id") / 7,
            e=col("id") // 7,
            f=-col("id") % 7,
            g=col("id") ** 2,
            h=100 // (col("id") + 1),
            i=2 ** (col("id") % 5),
            j=100 % (col("id") + 1),
            m=1 / (col("id") + 1),
            n=3 * col("id"),
            o=1 + col("id"),
        ),
    ),
    case(
        "SELECT * FROM t WHERE (id > 3 AND NOT (s = 's1' OR k IS NULL)) OR id <= 2 OR v >= 1e300 "
        "OR (id <> 9 AND id < 1)",
        lambda f: f["t"].filter(
            ((col("id") > 3) & ~((col("s") == "s1") | col("k").is_null()))
            | (col("id") <= 2)
            | (col("v") >= 1e300)
            | ((col("id") != 9) & (col("id") < 1))
        ),
    ),
    case(
        "SELECT * FROM t WHERE id BETWEEN 5 AND 50 AND k IN (1, 2) AND s NOT IN ('s0', 'it''s') AND v IS NOT NULL",
        lambda f: f["t"].filter(
            col("id").between(5, col("id") - col("id") + 50)
            & col("k").is_in([1, 2])
            & ~col("s").is_in(["s0", "it's"])
            & col("v").is_not_null()
        ),
    ),
    case("SELECT * FROM t WHERE false", lambda f: f["t"].filter(col("id").is_in([]))),
    case("SELECT * FROM t WHERE true AND id > 7", lambda f: f["t"].filter(True & (col("id") > 7))),
    case("SELECT * FROM t WHERE id > 7", lambda f: f["t"].filter(False | (col("id") > 7))),
    case(
        "SELECT CASE WHEN id > 9 THEN 'many' WHEN id > 5 THEN s ELSE NULL END AS x, "
        "CASE WHEN k = 1 THEN id ELSE -1 END AS id, CASE WHEN id > 1 THEN 5 END AS y FROM t",
        lambda f: f["t"].select(
            when(col("id") > 9).then(lit("many")).when("id > 5").then("s").otherwise(None).alias("x"),
            when("k = 1").then(col("id")).otherwise(-1),
            y=when("id > 1").then(5),
        ),
    ),
    case(
        "SELECT id, CAST(id AS VARCHAR) AS t, coalesce(k, -1) AS k, CAST(s AS VARCHAR) || id AS s FROM t",
        lambda f: f["t"].select(
            ["id", col("id").cast(str).alias("t")], col("k").fill_null(-1), s="s || id -- a comment"
        ),
    ),
    case(
        "SELECT u.*, v * 2 AS w, 'x' AS c, 1 AS d FROM u",
        lambda f: f["u"].with_columns((col("v") * 2).alias("w"), {"c": lit("x")}, d=1),
    ),
    case(
        "SELECT DATE '2024-02-29' AS a, TIMESTAMP '2024-02-29 01:02:03.5' AS b, TIME '01:02:03' AS c, "
        "'\\x00\\x27'::BLOB AS d, 0.1::DOUBLE AS f, 'nan'::DOUBLE AS g, -2 AS h, [1, 2] AS i FROM u",
        lambda f: f["u"].select(
            a=lit(datetime.date(2024, 2, 29)),
            b=lit(datetime.datetime(2024, 2, 29, 1, 2, 3, 500000)),
            c=lit(datetime.time(1, 2, 3)),
            d=lit(b"\x00'"),
            f=lit(0.1),
            g=lit(math.nan),
            h=lit(-2),
            i=lit([1, 2]),
        ),
    ),
    case(
        "SELECT * FROM t WHERE id = (SELECT max(id) FROM t)",
        lambda f: f["t"].join(f["t"].aggregate(col("id").max()), on="id").select(*f["t"].columns),
    ),
    case(
        "SELECT * FROM t WHERE id > (SELECT avg(id) FROM t) ORDER BY id",
        lambda f: f["t"].with_window(big="id > (SELECT avg(id) FROM this)").filter("big").drop("big").sort("id"),
        True,
    ),
]

CASES = JOINS + GROUPS + ORDER + SETS + SHAPES + EXPRESSIONS
