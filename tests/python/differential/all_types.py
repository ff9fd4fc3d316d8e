"""DuckDB's types with awkward values of each, and what may be asked of them."""

from __future__ import annotations

#: SQL type -> expressions for values of it: extremes, zeros, equal ones on purpose.
VALUES: dict[str, tuple[str, ...]] = {
    "TINYINT": ("0", "1", "2", "-128", "127"),
    "SMALLINT": ("0", "1", "3", "-32768", "32767"),
    "INTEGER": ("0", "1", "2", "-7", "-2147483648", "2147483647"),
    "BIGINT": ("0", "1", "2", "-1", "-9223372036854775808", "9223372036854775807", "9007199254740993"),
    "HUGEINT": (
        *("0", "1", "-1", "-170141183460469231731687303715884105728"),
        *("170141183460469231731687303715884105727", "18446744073709551616"),
    ),
    "UTINYINT": ("0", "1", "2", "255"),
    "USMALLINT": ("0", "1", "65535"),
    "UINTEGER": ("0", "1", "4294967295"),
    "UBIGINT": ("0", "1", "18446744073709551615"),
    "UHUGEINT": ("0", "1", "340282366920938463463374607431768211455"),
    "BIGNUM": ("'0'", "'-1'", "'1'", "'123456789012345678901234567890123456789012345'"),
    "FLOAT": ("0.0", "'-0.0'", "'nan'", "'inf'", "'-inf'", "1.5", "0.1", "3.4028235e38"),
    "DOUBLE": (
        *("0.0", "'-0.0'", "'nan'", "'-nan'", "'inf'", "'-inf'", "1.5", "2.0", "-0.25"),
        *("5e-324", "1.7976931348623157e308"),
    ),
    "DECIMAL(4,1)": ("0", "1.5", "-999.9", "999.9"),
    "DECIMAL(9,2)": ("0", "1.5", "-9999999.99", "9999999.99", "0.01"),
    "DECIMAL(18,3)": ("0", "1.5", "-999999999999999.999", "0.001"),
    "DECIMAL(38,10)": ("0", "1.5", "-9999999999999999999999999.9999999999", "0.0000000001"),
    "BOOLEAN": ("true", "false"),
    "VARCHAR": (
        *("''", "'a'", "'A'", "' a'", "'it''s'", "'{0}'", "'größe'", "'🦆'", "repeat('long', 50)", "'NULL'", "chr(10)"),
        *("'millpond_source_0'", "'12'", "'a' || chr(0) || 'b'", "'b c'"),
    ),
    "BLOB": ("''", "'\\x00'", "'\\xFF\\x00'", "'a'"),
    "BIT": ("'0'", "'1'", "'0101'", "'00000000000000000000000000000001'"),
    "DATE": (
        "'1970-01-01'",
        "'0001-01-01'",
        "'9999-12-31'",
        "'infinity'",
        "'-infinity'",
        "'2024-02-29'",
        "'0044-03-15 (BC)'",
    ),
    "TIME": ("'00:00:00'", "'23:59:59.999999'", "'24:00:00'", "'12:30:00'"),
    "TIME_NS": ("'00:00:00'", "'23:59:59.999999999'", "'12:30:00'"),
    "TIMETZ": ("'00:00:00+00'", "'12:30:00+05:30'", "'07:00:00+00'", "'23:59:59.999999-15:59'"),
    "TIMESTAMP": ("'1970-01-01'", "'2024-02-29 23:59:59.999999'", "'infinity'", "'-infinity'", "'0001-01-01'"),
    "TIMESTAMP_S": ("'1970-01-01'", "'2024-02-29 23:59:59'", "'infinity'"),
    "TIMESTAMP_MS": ("'1970-01-01'", "'2024-02-29 23:59:59.999'", "'-infinity'"),
    "TIMESTAMP_NS": ("'1970-01-01'", "'2024-02-29 23:59:59.123456789'", "'infinity'"),
    "TIMESTAMPTZ": ("'1970-01-01 00:00:00+00'", "'2024-02-29 23:59:59.999999+02'", "'infinity'"),
    "INTERVAL": ("'0 days'", "'1 month'", "'30 days'", "'720 hours'", "'-1 year'", "'1 microsecond'"),
    "UUID": ("'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"),
    "ENUM('b', 'a', '', 'b c')": ("'a'", "'b'", "''", "'b c'"),
    "BIGINT[]": ("[]", "[1]", "[1, NULL]", "[NULL]", "[3, 1, 2]"),
    "VARCHAR[]": ("[]", "['']", "['a', NULL, 'größe']"),
    "DOUBLE[]": ("[]", "['nan'::DOUBLE]", "[1.5, '-0.0'::DOUBLE]", "[NULL]"),
    "INTEGER[][]": ("[]", "[[]]", "[[1, 2], NULL]"),
    "INTEGER[2]": ("[1, 2]", "[NULL, 1]", "[NULL, NULL]"),
    "STRUCT(a INTEGER, b VARCHAR)": ("{'a': 1, 'b': 'x'}", "{'a': NULL, 'b': ''}", "{'a': 1, 'b': NULL}"),
    'STRUCT("select" DATE, "b c" HUGEINT[])': (
        "{'select': NULL, 'b c': [1]}",
        "{'select': DATE '2024-02-29', 'b c': []}",
    ),
    "STRUCT(a INTEGER, b DOUBLE)[]": ("[]", "[{'a': 1, 'b': 1.5}, NULL]", "[{'a': NULL, 'b': 'nan'::DOUBLE}]"),
    "MAP(VARCHAR, INTEGER)": ("MAP {}", "MAP {'a': 1}", "MAP {'a': 1, '': NULL}"),
    "MAP(INTEGER, VARCHAR[])": ("MAP {}", "MAP {1: ['x']}", "MAP {1: [], 2: NULL}"),
    # No member is NULL: whether such a value is less than another depends on the operator that DuckDB takes for a join.
    "UNION(n INTEGER, s VARCHAR)": ("union_value(n := 1)", "union_value(n := 2)", "union_value(s := '')"),
    "JSON": ("'{}'", "'{\"a\": [1, null]}'", "'null'", "'\"x\"'", "'1'"),
    "VARIANT": ("1", "'x'", "{'a': 1}", "[1, 2]"),
    "GEOMETRY": ("'POINT (1 2)'", "'LINESTRING (0 0, 1 1)'"),
}

SIGNED = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
UNSIGNED = ("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
INTEGERS = (*SIGNED, *UNSIGNED)
WIDE = ("HUGEINT", "UHUGEINT", "BIGNUM")
DECIMALS = tuple(kind for kind in VALUES if kind.startswith("DECIMAL"))
FLOATING = ("FLOAT", "DOUBLE")
TIMES = ("TIME", "TIME_NS", "TIMETZ")
STAMPS = ("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")

#: Types of which two values may be equal and yet look different: zeros with and without sign, 1 month and 30 days.
#: Nothing that sees the difference is asked of them, for either value may stand for a group.
LOOSE = ("FLOAT", "DOUBLE", "INTERVAL", "DOUBLE[]", "STRUCT(a INTEGER, b DOUBLE)[]")

#: Files of Parquet can't hold these as they are: they are written as text and cast when read.
NOT_IN_PARQUET = ("HUGEINT", "UHUGEINT", "BIGNUM", "INTERVAL", "TIME", "TIME_NS", "TIMETZ", "BIT", "JSON", "GEOMETRY")
#: Nor does text hold these.
NOT_AS_TEXT = ("VARIANT", "UNION(n INTEGER, s VARCHAR)")

#: Types that DuckDB compares with one another.
FAMILIES: tuple[tuple[str, ...], ...] = (
    (*INTEGERS, "HUGEINT"),
    (*INTEGERS, *DECIMALS, "DOUBLE"),
    ("DATE", "TIMESTAMP"),
    ("VARCHAR", "ENUM('b', 'a', '', 'b c')"),
)


def are_alike(one: str, other: str) -> bool:
    """Whether values of both types can be compared."""
    return one == other or any(one in family and other in family for family in FAMILIES)


def is_numeric(kind: str) -> bool:
    """Whether sums may be taken."""
    return kind in (*INTEGERS, "HUGEINT", *FLOATING) or kind.startswith("DECIMAL")


def is_nested(kind: str) -> bool:
    """Whether its values hold others. DuckDB has no BETWEEN for these, though it may notice only with a row at hand."""
    return kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION"))


def is_list(kind: str) -> bool:
    """Whether it is a list of any length."""
    return kind.endswith("[]")
