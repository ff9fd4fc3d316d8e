"""An S3 server on a host of the cluster, for jobs whose state lies on a store."""

from __future__ import annotations

import subprocess
import sys

from hosts import Host

BUCKET = "jobs"
_PORT = 5000  # Of the host's own network, where nobody else is.
_MAKE_BUCKET = """
import sys, time, boto3
from botocore.exceptions import BotoCoreError
for _ in range(300):
    try:
        boto3.client("s3").create_bucket(Bucket=sys.argv[1])
        break
    except BotoCoreError:
        time.sleep(0.2)
else:
    sys.exit(1)
"""


def store_environment(host: Host) -> dict[str, str]:
    """What programs on all hosts need to reach the server, and a scratch folder of each host's own."""
    return {
        "AWS_ACCESS_KEY_ID": "tester",
        "AWS_SECRET_ACCESS_KEY": "a-secret-of-the-test",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host.address}:{_PORT}",
        "MILLPOND_SCRATCH": "/tmp/scratch",
    }


def store_on(host: Host, environment: dict[str, str]) -> None:
    """Starts the server with an empty bucket. It ends with the host."""
    env = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", **environment}
    server = (sys.executable, "-m", "moto.server", "-H", host.address, "-p", str(_PORT))
    host.start("sh", "-c", 'exec "$@" >/tmp/store.log 2>&1', "sh", *server, env=env)
    subprocess.run(host.command(sys.executable, "-c", _MAKE_BUCKET, BUCKET), env=env, check=True, timeout=90)
