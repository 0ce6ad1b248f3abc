"""moto's S3 server on loopback, which checks keys and signatures, and a way to cut its line."""

import json
import re
import socket
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

# The requests by which SETUP makes the bucket and the key are let in without one.
SETUP_REQUESTS = "4"
SETUP = """
import json, sys
import boto3

make = lambda service: boto3.client(
    service, endpoint_url=sys.argv[1], region_name="us-east-1",
    aws_access_key_id="setup", aws_secret_access_key="setup",
)
make("s3").create_bucket(Bucket="team")
iam = make("iam")
iam.create_user(UserName="pipeline")
key = iam.create_access_key(UserName="pipeline")["AccessKey"]
rule = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
policy = json.dumps({"Version": "2012-10-17", "Statement": [rule]})
iam.put_user_policy(UserName="pipeline", PolicyName="s3", PolicyDocument=policy)
print(json.dumps([key["AccessKeyId"], key["SecretAccessKey"]]))
"""


class S3Server:
    """A server with an empty bucket `team`; a context that runs it.

    Attributes:
        url: its address.
        key, secret: a user's key that may do everything with S3.
    """

    def __init__(self, venv: Path, env: dict[str, str]):
        self.venv = venv
        self.env = {**env, "INITIAL_NO_AUTH_ACTION_COUNT": SETUP_REQUESTS}

    def __enter__(self) -> "S3Server":
        self.process = subprocess.Popen(
            [str(self.venv / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", "0"],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in self.process.stdout)
        self.url = next(found for found in said if found)[0]
        # Its log is read on, or the pipe would fill and stop it.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        command = [str(self.venv / "bin" / "python"), "-c", SETUP, self.url]
        done = subprocess.run(command, env=self.env, check=True, capture_output=True, text=True)
        self.key, self.secret = json.loads(done.stdout)
        return self

    def kill(self) -> None:
        """End the server at once; what it held is lost."""
        self.process.kill()
        self.process.wait()

    def __exit__(self, *_: object) -> None:
        self.kill()


class Line:
    """A line to a server that passes bytes on until `budget` of them were sent, then is dead.

    Attributes:
        url: the address of its near end.
        then: what to do at that moment.
    """

    def __init__(self, target: str, budget: int, then: Callable[[], None] = lambda: None):
        self.target = int(target.rsplit(":", 1)[1])
        self.budget = budget
        self.then = then
        self.sockets: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
                self.sockets += [near, far]
                for source, sink, counted in ((near, far, True), (far, near, False)):
                    threading.Thread(
                        target=self._pass, args=(source, sink, counted), daemon=True
                    ).start()

    def _pass(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self.budget -= len(data) * counted
                if self.budget < 0:
                    return self.cut()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        """Close every connection and take no new one."""
        for end in (self.listener, *self.sockets):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.then()
