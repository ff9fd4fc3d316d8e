"""A thousand trivial partition queries. Arguments: input (ignored), output, root, runner. Prints seconds."""

import sys
import time

import millpond

runner = sys.argv[4] if len(sys.argv) > 4 else "threads"
with millpond.init(data_root=sys.argv[3], progress=False, runner=runner) as session:
    rows = session.partial_sql("SELECT i AS a FROM range(1000) r(i)").repartition(1000, by_rows=True)
    rows.partial_sql("SELECT 1 AS warm").count()
    begin = time.perf_counter()
    rows.partial_sql("SELECT a + 1 AS b FROM {0}").compute()
    print(f"{time.perf_counter() - begin:.3f}")
