"""Start to result on 1,000 rows. Arguments: input (ignored), output, root."""

import sys

import millpond

with millpond.init(data_root=sys.argv[3], progress=False) as session:
    rows = session.partial_sql("SELECT i AS a, i % 7 AS k FROM range(1000) r(i)")
    assert len(rows.filter("k = 3").to_arrow()) == 143
