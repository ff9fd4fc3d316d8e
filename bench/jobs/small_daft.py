"""Start to result on 1,000 rows in Daft."""

import daft
import pyarrow as pa
from daft import col

table = pa.table({"a": list(range(1000))})
rows = daft.from_arrow(table).with_column("k", col("a") % 7).where(col("k") == 3).to_arrow()
assert len(rows) == 143
