"""deploy.sh with a docker that writes down what it is asked for."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent.parent


@pytest.fixture
def deploy(tmp_path):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    for f in HERE.iterdir():
        if f.is_file():
            shutil.copy(f, folder)
    log = tmp_path / "log"
    for name in ("docker", "python"):
        fake = tmp_path / name
        fake.write_text(f'#!/bin/sh\necho "{name} $*" >>{log}\ncase "$*" in "$FAIL"*) [ -z "$FAIL" ] || exit 3;; esac\n')
        fake.chmod(0o755)

    def run(*args, **env):
        base = {k: v for k, v in os.environ.items() if k != "IMAGE"}
        env = {**base, "DOCKER": str(tmp_path / "docker"), "PYTHON": str(tmp_path / "python"), "FAIL": "", **env}
        p = subprocess.run(["bash", "deploy.sh", *args], cwd=folder, env=env, capture_output=True, text=True, timeout=20)
        calls = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        last = folder / ".last-image"
        return p, calls, last.read_text().strip() if last.exists() else None

    run.folder = folder
    return run


def test_full(deploy):
    p, calls, last = deploy(IMAGE="docker.io/me/worker")
    assert p.returncode == 0, p.stderr
    assert re.fullmatch(r"docker\.io/me/worker:\d{8}-\d{6}", last) and last in p.stdout and "Container image" in p.stdout
    assert calls[0] == "python -m pytest -q tests" and "--no-cache" in calls[1] and calls[-1] == f"docker push {last}"
    assert calls[2] == f"docker run --rm {last} python3 handler.py --self-test"


def test_quick_and_without_a_push(deploy):
    (deploy.folder.parent.parent / ".env").write_text("RUNPOD_API_KEY=secret\nIMAGE=me/worker\n")
    p, calls, last = deploy("quick")
    assert last.startswith("me/worker:") and not any("pytest" in c or "--no-cache" in c for c in calls) and "secret" not in p.stdout + p.stderr
    p, calls, again = deploy("quick", "--no-push")
    assert p.returncode == 0 and again == last and not any("push" in c for c in calls)


def test_what_fails_is_not_recorded(deploy):
    for step in ("build", "run", "push", "-m pytest"):
        p, calls, last = deploy(IMAGE="me/worker", FAIL=step)
        assert p.returncode != 0 and last is None, step
    for args, env in ((["fast"], {"IMAGE": "me/w"}), ([], {}), ([], {"IMAGE": "me/w:latest"}), ([], {"IMAGE": "$(id)"}), ([], {"IMAGE": "me/w", "DOCKER": "no-such"})):
        p, calls, last = deploy(*args, **env)
        assert p.returncode == 1 and p.stderr.startswith("deploy.sh: ") and not calls and last is None


def test_the_image_has_every_module_and_the_pins():
    dockerfile, ignore = (HERE / "Dockerfile").read_text(), (HERE / ".dockerignore").read_text().split()
    assert dockerfile.count("\nFROM ") == 1 and "useradd --uid 10001" in dockerfile and "\nENV GOPHERPOD_UID=10001\n" in dockerfile and "--self-test" in dockerfile and "--require-hashes" in dockerfile
    assert ignore == ["*", "!handler.py", "!gopherpod_worker/*.py", "!gopherpod_worker/contract.json", "!requirements.txt"]
    assert "COPY handler.py ./" in dockerfile and "COPY gopherpod_worker gopherpod_worker" in dockerfile
    pins = re.findall(r"^([\w.-]+)==\S+ \\$", (HERE / "requirements.txt").read_text(), re.M)
    assert {"runpod", "msgpack", "zstandard", "numpy"} <= set(pins) and "torch" not in pins


def test_the_image_has_the_versions_that_the_tests_run_with():
    """test.sh runs the worker with the newest PyTorch and .ci/torch215.txt beside it."""
    tested = dict(re.findall(r"^([\w.-]+)==(\S+)$", (HERE.parent.parent / ".ci" / "torch215.txt").read_text(), re.M))
    image = dict(re.findall(r"^([\w.-]+)==(\S+) \\$", (HERE / "requirements.txt").read_text(), re.M))
    assert f"ARG BASE=pytorch/pytorch:{tested['torch']}-cuda" in (HERE / "Dockerfile").read_text()
    for name in ("runpod", "msgpack", "zstandard", "numpy"):
        assert image[name] == tested[name], name
        assert f"{name}=={image[name]}" in (HERE / "requirements.txt").read_text().split("agent-detector")[0], "the line that makes the file"
