"""Start to result on 1,000 rows in smallpond. Arguments: input (ignored), output, root."""

import sys

import smallpond

session = smallpond.init(data_root=sys.argv[3])
rows = session.from_items([{"a": i, "k": i % 7} for i in range(1000)])
assert len(rows.filter("k = 3").to_arrow()) == 143
