"""Addresses: what is read, resumed, refused, and where results go."""

import base64
import hashlib
import http.server
import threading

import pytest
import torch
from helpers import blobs, request, run

from gopherpod_worker import address, data, operations, tensors, wire


@pytest.fixture
def server(monkeypatch):
    """A server on this machine that the operator allows; files by path, cuts: how often an answer breaks off."""

    class Handler(http.server.BaseHTTPRequestHandler):
        files, cuts, refuse, asked, puts = {}, 0, 0, [], {}

        def do_GET(self):
            cls = type(self)
            cls.asked.append(self.headers.get("Range"))
            body = cls.files.get(self.path)
            if cls.refuse or body is None:
                return self.send_error(cls.refuse or 404)
            start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Length", str(len(body) - start))
            self.send_header("ETag", '"v1"')
            self.end_headers()
            if cls.cuts > 0:
                cls.cuts -= 1
                self.wfile.write(body[start : start + 1000])
                self.close_connection = True
                return
            self.wfile.write(body[start:])

        def do_PUT(self):
            cls = type(self)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not cls.refuse:
                cls.puts[self.path] = body
            self.send_response(cls.refuse or 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    Handler.url = f"http://127.0.0.1:{s.server_port}/"
    monkeypatch.setenv("GOPHERPOD_ALLOW_URLS", Handler.url + "data/")
    monkeypatch.setattr(address.time, "sleep", lambda seconds: None)
    yield Handler
    s.shutdown()
    s.server_close()


def test_a_read_goes_on_where_it_broke_off(server):
    body = bytes(range(256)) * 20
    server.files, server.cuts = {"/data/x?sig=1": body}, 3
    assert address.read(server.url + "data/x?sig=1", "sources", len(body)) == body
    assert server.asked[-4:] == [None, "bytes=1000-", "bytes=2000-", "bytes=3000-"]


def test_lengths_and_refusals(server):
    server.files = {"/data/x": b"12345"}
    for length in (4, 6):
        with pytest.raises(wire.JobError) as e:
            address.read(server.url + "data/x", "sources", length)
        assert e.value.kind == "DamagedData"
    for server.refuse in (403, 404, 302, 503):
        with pytest.raises(wire.JobError) as e:
            address.read(server.url + "data/x", "sources", 5)
        assert e.value.kind == "MissingData" and "127.0.0.1" not in e.value.message
    for url in ("other", "data/../other", "data/%2e%2e/other", "data/a b"):
        with pytest.raises(wire.JobError) as e:
            address.read(server.url + url, "sources", 5)
        assert e.value.kind in ("Unsupported", "InvalidRequest")


@pytest.mark.parametrize("rule, ok", [("https://h/", True), ("https://h", False), ("http://h/", False), ("http://10.0.0.1/", False), ("http://127.0.0.1:9/x", True), ("https://u@h/", False)])
def test_rules(monkeypatch, rule, ok):
    monkeypatch.setenv("GOPHERPOD_ALLOW_URLS", rule)
    assert address.allowed(rule + "/x") == ok


def source(server, t, name="/data/x"):
    server.files[name] = tensors.save_safetensors({"data": t})
    return {tensors.content_digest(t): {"url": server.url + name[1:], "bytes": len(server.files[name])}}


def test_sources_and_uploads(server, tmp_path):
    server.files = {}
    value = request(hyper={"epochs": 1}, protocol=1)
    plain, _ = run(value)
    x = torch.from_numpy(blobs()[0])
    store = data.Store(tmp_path)
    there = {**value, "sources": source(server, x), "upload": {"url": server.url + "data/r", "name": "results/1"}}
    there["training_data"] = {**value["training_data"], "features": {"sha256": tensors.content_digest(x)}}
    told = []
    result = operations.run(there, told.append, operations.Stop(), store=store)
    file = server.puts["/data/r"]
    assert result["uploaded"] == {"name": "results/1", "sha256": hashlib.sha256(file).hexdigest(), "bytes": len(file)} and result["model_state"] == ""
    state = tensors.load_safetensors(file, "")["model_state"]
    assert bytes(tensors.raw(state)) == base64.b64decode(plain["model_state"])
    # The second time it is in memory.
    asked = len(server.asked)
    operations.run(there, told.append, operations.Stop(), store=store)
    assert len(server.asked) == asked
    # A result that cannot be put there travels in the stream.
    server.refuse = 403
    result = operations.run(there, told.append, operations.Stop(), store=store)
    assert "uploaded" not in result and result["model_state"] == plain["model_state"] and "stream" in told[-1]["message"]


def test_what_lies_there_must_have_the_digest(server, tmp_path):
    server.files = {}
    x, other = torch.ones(3, 2), torch.zeros(3, 2)
    sources = source(server, x)
    server.files["/data/x"] = tensors.save_safetensors({"data": other})
    for server.files["/data/x"] in (server.files["/data/x"], b"\0" * len(server.files["/data/x"])):
        with pytest.raises(wire.JobError) as e:
            data.Fetched(data.Store(tmp_path), wire.sources(sources, "sources"))
        assert e.value.kind == "DamagedData"


def test_an_upload_that_is_not_allowed_is_refused_first(server):
    value = {**request(hyper={"epochs": 1}, protocol=1), "upload": {"url": "https://elsewhere.example/", "name": "r"}}
    with pytest.raises(wire.JobError) as e:
        run(value)
    assert e.value.kind == "Unsupported" and e.value.field == "upload"
