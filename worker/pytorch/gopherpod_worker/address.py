"""Addresses in a request, if the operator of this worker allows them (worker/address in Go).

    fetch     an array: .npy, or safetensors with one tensor
    read      a file of a known length; continues where the connection broke
    write     a file, with one PUT

GOPHERPOD_ALLOW_URLS is a comma-separated list of prefixes, "https://host/path/". A host name may only lead to public
addresses. It is resolved once, and the connection goes to the address that was checked, so that a second answer of the
name service changes nothing. To allow a machine of a private network, give its number: "https://10.0.0.7/data/". http is
for this machine only, "http://127.0.0.1:9000/". Redirects are not followed and no proxy is used.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import os
import socket
import ssl
import time
import urllib.parse
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from . import tensors
from .wire import JobError, invalid, unsupported

MAX_FETCH = int(os.environ.get("GOPHERPOD_MAX_FETCH", 16 << 30))
STALL = 30  # seconds without a byte
TRIES = 5


class Target(NamedTuple):
    """An allowed address, in its parts."""

    scheme: str
    host: str
    port: int
    path: str  # with the query
    number: bool  # the operator's prefix names the host by number


def number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
        return True
    except ValueError:
        return False


def allowed(url: str) -> bool:
    """Reports whether the operator's prefixes cover an address."""
    prefixes = [p.strip() for p in os.environ.get("GOPHERPOD_ALLOW_URLS", "").split(",") if p.strip()]
    return any(url.startswith(p) and _rule(p) for p in prefixes)


def _rule(prefix: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(prefix)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or not parts.path.startswith("/") or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and number(host) and ipaddress.ip_address(host).is_loopback)


def target(url: str, path: str) -> Target:
    """Returns the parts of an address, or refuses it if it is not allowed."""
    if not allowed(url):
        raise unsupported(path, "this endpoint does not use that address; its operator allows prefixes with GOPHERPOD_ALLOW_URLS=https://host/path/")
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise invalid(path, "not an address") from None
    climbs = any(s in (".", "..") for s in urllib.parse.unquote(parts.path).split("/"))
    if parts.username is not None or not host or climbs or any(ord(c) <= 32 or ord(c) == 127 or c == "\\" for c in url):
        raise invalid(path, "not a plain https address")
    return Target(parts.scheme, host, port, (parts.path or "/") + ("?" + parts.query if parts.query else ""), number(host))


def public_address(host: str, port: int, path: str) -> str:
    """Returns the address of a host name. If one of its addresses is not public, the name is refused."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError:
        raise invalid(path, f"no such host: {host[:100]}") from None
    for text in found:
        ip = ipaddress.ip_address(text.split("%")[0])
        mapped = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
        if not ip.is_global or ip.is_multicast or (mapped is not None and not mapped.is_global):
            raise unsupported(path, f"{host[:100]} has a private address, which is never read")
    return sorted(found)[0]


def connect(t: Target, path: str) -> http.client.HTTPConnection:
    ip = t.host if t.number else public_address(t.host, t.port, path)
    raw = socket.create_connection((ip, t.port), timeout=STALL)
    if t.scheme == "http":
        connection = http.client.HTTPConnection(t.host, t.port, timeout=STALL)
        connection.sock = raw
        return connection
    connection = http.client.HTTPSConnection(t.host, t.port, timeout=STALL)
    connection.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=t.host)
    return connection


class Broken(Exception):
    """The connection failed or broke: worth another try."""


def refused(status: int, path: str) -> Exception:
    if status >= 500 or status in (408, 429):
        return Broken(f"HTTP status {status}")
    return JobError("MissingData", f"HTTP status {status}: the address has expired, or the file does not exist; redirects are not followed", path)


def again(job: Callable[[], None], path: str) -> None:
    """Repeats job, at most TRIES times, until its connection does not break."""
    for n in range(TRIES):
        try:
            job()
            return
        except (Broken, OSError, http.client.HTTPException) as e:
            why = str(e) if isinstance(e, Broken) else type(e).__name__
            if n + 1 < TRIES:
                time.sleep(0.2 * 2**n)
    raise JobError("MissingData", f"cannot reach the address: {why}", path)


def read(url: str, path: str, length: int) -> bytearray:
    """Returns a file, which must be length bytes long."""
    t = target(url, path)
    if length > MAX_FETCH:
        raise invalid(path, f"larger than {MAX_FETCH} bytes")
    got = _File(t, path, length)
    again(got.read_on, path)
    return got.data


class _File:
    def __init__(self, t: Target, path: str, length: int):
        self.t, self.path, self.length = t, path, length
        self.data, self.tag = bytearray(), ""

    def read_on(self) -> None:
        headers = {"User-Agent": "gopherpod-worker", "Accept-Encoding": "identity"}
        have = len(self.data)
        if have:
            headers |= {"Range": f"bytes={have}-"} | ({"If-Match": self.tag} if self.tag else {})
        connection = connect(self.t, self.path)
        try:
            connection.request("GET", self.t.path, headers=headers)
            response = connection.getresponse()
            if response.status == 412:  # the file was replaced meanwhile
                self.data, self.tag = bytearray(), ""
                raise Broken("the file changed")
            if response.status == 200:
                self.data = bytearray()
            elif response.status != 206 or not (response.getheader("Content-Range") or "").startswith(f"bytes {have}-"):
                raise refused(response.status, self.path)
            self.tag = response.getheader("ETag") or ""
            if response.length is not None and len(self.data) + response.length != self.length:
                raise JobError("DamagedData", f"got {len(self.data) + response.length} bytes, want {self.length}", self.path)
            while piece := response.read(min(1 << 20, self.length - len(self.data) + 1)):
                self.data += piece
                if len(self.data) > self.length:
                    raise JobError("DamagedData", f"got more than {self.length} bytes", self.path)
        finally:
            connection.close()
        if len(self.data) < self.length:
            raise Broken(f"the connection broke after {len(self.data)} of {self.length} bytes")


def write(url: str, path: str, data: bytes) -> None:
    """Puts a file at an address."""
    t = target(url, path)

    def put() -> None:
        connection = connect(t, path)
        try:
            connection.request("PUT", t.path, body=data, headers={"User-Agent": "gopherpod-worker", "Content-Length": str(len(data))})
            status = connection.getresponse().status
        finally:
            connection.close()
        if status // 100 != 2:
            raise refused(status, path)

    again(put, path)


def fetch(url: str, path: str, limit: int = 0) -> torch.Tensor:
    """Returns the array at an address: .npy, or safetensors with one tensor."""
    data = download(target(url, path), path, limit or MAX_FETCH)
    if data[:6] == b"\x93NUMPY":
        try:
            a = np.load(io.BytesIO(data), allow_pickle=False)
        except (ValueError, EOFError, OSError):
            raise invalid(path, "a .npy file that cannot be read, or that holds Python objects") from None
        if a.dtype.kind not in "iuf" or a.dtype == np.uint64:
            raise invalid(path, f"want a .npy file of numbers, got one of {a.dtype}")
        a = a.astype(np.int64 if a.dtype.kind in "iu" else a.dtype.newbyteorder("="), copy=False)
        return torch.from_numpy(np.ascontiguousarray(a))
    named = tensors.load_safetensors(data, path)
    if len(named) != 1:
        raise invalid(path, f"want a file with one tensor, got {len(named)}")
    return next(iter(named.values()))


def download(t: Target, path: str, limit: int) -> bytes:
    """Returns a file of unknown length, from a single request."""
    connection: http.client.HTTPConnection | None = None
    try:
        connection = connect(t, path)
        connection.request("GET", t.path, headers={"User-Agent": "gopherpod-worker", "Accept-Encoding": "identity"})
        response = connection.getresponse()
        if response.status != 200:
            raise invalid(path, f"{t.host[:100]} answered {response.status}; redirects are not followed")
        data = response.read(limit + 1)
    except (OSError, http.client.HTTPException) as e:
        raise invalid(path, f"could not be read: {type(e).__name__}") from None
    finally:
        if connection is not None:
            connection.close()
    if len(data) > limit:
        raise invalid(path, f"larger than {limit} bytes")
    return data
