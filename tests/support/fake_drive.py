"""Google Drive's API v2 on loopback, as much of it as an unmodified dvc-gdrive asks for.

A proxy takes the client's CONNECT to www.googleapis.com and answers in Google's place with a
certificate made here; the key of the service account, made here too, has its token endpoint on the
same port. The client is told by `https_proxy` and `HTTPLIB2_CA_CERTS`.
"""

import hashlib
import json
import re
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

HOST = "www.googleapis.com"
ACCOUNT = "pipeline@project.iam.gserviceaccount.com"
FOLDER = "application/vnd.google-apps.folder"


class FakeDrive:
    """A Drive with one shared folder; a context that serves it.

    Attributes:
        files: the items by id: `title`, `parent`, `mimeType`, and `data` of a file.
        calls: method and path of each request to the API.
        started, uploads: number of uploads that were let in, and of those that arrived whole.
        quota: number of uploads after which Drive refuses, as it does a service account that owns
            no storage; None for no limit.
        refused: whether Google refuses the key.
    """

    def __init__(self, folder: Path):
        self.files: dict[str, dict[str, Any]] = {
            "shared": {"title": "team", "parent": "", "mimeType": FOLDER}
        }
        self.calls: list[str] = []
        self.started = 0
        self.uploads = 0
        self.quota: int | None = None
        self.refused = False
        self.pending: dict[str, dict[str, Any]] = {}
        self.ids = (f"id{n:04}" for n in count())
        self.lock = threading.Lock()
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.certificate = folder / "drive-ca.pem"
        certify(key, self.certificate)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(self.certificate)
        handler = type("Handler", (_Handler,), {"drive": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.key = {
            "type": "service_account",
            "client_email": ACCOUNT,
            "client_id": "1",
            "private_key_id": "1",
            "private_key": pem(key).decode(),
            "token_uri": f"{self.address}/token",
        }

    @property
    def env(self) -> dict[str, str]:
        """The variables that lead a client here."""
        return {
            "https_proxy": self.address,
            "no_proxy": "127.0.0.1",
            "HTTPLIB2_CA_CERTS": str(self.certificate),
        }

    def __enter__(self) -> "FakeDrive":
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def contents(self) -> list[bytes]:
        """Return the bytes of every file."""
        return [item["data"] for item in self.files.values() if "data" in item]

    def add(self, meta: dict[str, Any]) -> str:
        """Make a folder, or a file whose `data` is in `meta`; return its id."""
        with self.lock:
            name = next(self.ids)
            self.files[name] = meta
        return name

    def describe(self, name: str) -> dict[str, Any]:
        """Describe an item as the API does."""
        item = self.files[name]
        shown = {key: item[key] for key in ("title", "mimeType")}
        shown |= {"id": name, "parents": [{"id": item["parent"]}], "labels": {"trashed": False}}
        if "data" in item:
            shown["fileSize"] = str(len(item["data"]))
            shown["md5Checksum"] = hashlib.md5(item["data"]).hexdigest()
        return shown

    def find(self, query: str) -> list[dict[str, Any]]:
        """Answer a query of the form `'ID' in parents or ... and title='TITLE'`."""
        parents = set(re.findall(r"'([^']+)' in parents", query))
        title = re.search(r"title='([^']+)'", query)
        return [
            self.describe(name)
            for name, item in list(self.files.items())
            if item["parent"] in parents and (title is None or item["title"] == title[1])
        ]


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client: the proxy's, and after CONNECT that of Google itself."""

    drive: FakeDrive
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Keep the tests' output free of requests."""

    def do_CONNECT(self) -> None:
        if not self.path.startswith(f"{HOST}:"):
            return self.send_error(502, f"only {HOST} is here")
        self.send_response(200)
        self.end_headers()
        self.connection = self.drive.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.close_connection = False

    def do_GET(self) -> None:
        path, query = self.request_parts()
        if path == "/drive/v2/files":
            return self.answer({"items": self.drive.find(query["q"])})
        name = unquote(path.removeprefix("/drive/v2/files/"))
        if name not in self.drive.files:
            return self.refuse(404, "notFound", f"File not found: {name}")
        if query.get("alt") == "media":
            return self.answer(self.drive.files[name]["data"])
        self.answer(self.drive.describe(name))

    def do_POST(self) -> None:
        path, query = self.request_parts()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if path == "/token":
            if self.drive.refused:
                return self.answer({"error": "invalid_grant"}, 400)
            return self.answer({"access_token": "t", "expires_in": 3600, "token_type": "Bearer"})
        if self.headers.get("Authorization") != "Bearer t":
            return self.refuse(401, "authError", "Invalid Credentials")
        given = json.loads(body)
        meta = {
            "title": given["title"],
            "parent": given["parents"][0]["id"],
            "mimeType": given.get("mimeType", "application/octet-stream"),
        }
        if query.get("uploadType") == "resumable":
            with self.drive.lock:
                full = self.drive.quota is not None and self.drive.started >= self.drive.quota
                self.drive.started += not full
                upload = next(self.drive.ids)
            if full:
                what = "Service Accounts do not have storage quota."
                return self.refuse(403, "storageQuotaExceeded", what)
            self.drive.pending[upload] = meta
            location = f"https://{HOST}/upload/drive/v2/files?upload_id={upload}"
            return self.answer({}, headers={"Location": location})
        self.answer(self.drive.describe(self.drive.add(meta)))

    def do_PUT(self) -> None:
        _, query = self.request_parts()
        meta = self.drive.pending.pop(query["upload_id"])
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        name = self.drive.add({**meta, "data": data})
        with self.drive.lock:
            self.drive.uploads += 1
        self.answer(self.drive.describe(name))

    def request_parts(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        self.drive.calls.append(f"{self.command} {parts.path}")
        return parts.path, {key: values[0] for key, values in parse_qs(parts.query).items()}

    def refuse(self, code: int, reason: str, message: str) -> None:
        fault = {"domain": "global", "reason": reason, "message": message}
        self.answer({"error": {"code": code, "message": message, "errors": [fault]}}, code)

    def answer(self, value: Any, code: int = 200, headers: dict[str, str] | None = None) -> None:
        raw = isinstance(value, bytes)
        body = value if raw else json.dumps(value).encode()
        self.send_response(code)
        kind = "application/octet-stream" if raw else "application/json"
        sent = {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}
        for name, text in sent.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)


def pem(key: rsa.RSAPrivateKey) -> bytes:
    """Write a private key as PKCS 8."""
    kind = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())


def certify(key: rsa.RSAPrivateKey, path: Path) -> None:
    """Write a key and its self-signed certificate for Google's host, valid for a day."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(pem(key) + certificate.public_bytes(serialization.Encoding.PEM))
