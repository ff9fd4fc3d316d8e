"""Files of HDFS over HTTP, `webhdfs://host:port/path`, and over TLS, `swebhdfs://`."""

from __future__ import annotations

from collections.abc import Mapping

from millpond.hdfs_client import HdfsClient
from millpond.hdfs_store import HdfsStore
from millpond.webhdfs_client import WebHdfs


class WebHdfsStore(HdfsStore):
    """One NameNode's files. Safe for many threads."""

    def _connected(self, options: Mapping[str, str]) -> HdfsClient:
        return WebHdfs(self._root, options)
