"""The network volume belongs to root or to a stranger; the worker is neither."""

import os
import pathlib
import subprocess
import sys
import tempfile
import textwrap

import pytest
from helpers import MLP, request, run

from gopherpod_worker import data, volume

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a stranger's folder and become another user")
WORKER, STRANGER = 10001, 10002


@pytest.fixture
def mount(tmp_path, monkeypatch):
    """A volume that belongs to this user; the way to it is open to others."""
    top = pathlib.Path(tempfile.gettempdir())
    if not all(folder.stat().st_mode & 0o001 for folder in [top, *top.parents]):
        pytest.skip(f"other users cannot reach {top}")
    for folder in [tmp_path, *tmp_path.parents]:
        if folder != top and folder.is_relative_to(top) and folder.stat().st_uid == os.geteuid():
            folder.chmod(folder.stat().st_mode | 0o055)
    path = tmp_path / "volume"
    path.mkdir(mode=0o755)
    monkeypatch.setattr(volume, "PATH", str(path))
    monkeypatch.setattr(volume, "_known", {})
    monkeypatch.delenv("GOPHERPOD_STORE", raising=False)
    return path


def as_worker(mount, *, image):
    """Starts a worker's process as the image does: as root with GOPHERPOD_UID, or already as another user, as an older image did."""
    code = f"""
        import os, sys
        sys.path.insert(0, {os.path.dirname(os.path.dirname(volume.__file__))!r})
        from gopherpod_worker import volume
        volume.PATH = {str(mount)!r}
        if not {image}:  # only now, because this user may not read the folders of Python and of the tests
            os.setgroups([])
            os.setgid({WORKER})
            os.setuid({WORKER})
        volume.enter()
        print(os.geteuid(), volume.folder())
        if volume.folder():
            (volume.folder() / "data" / "ab").mkdir(parents=True, exist_ok=True)
            (volume.folder() / "data" / "ab" / "x").write_text("x")
    """
    env = {"PATH": os.environ["PATH"], "GOPHERPOD_STORE": "", **({"GOPHERPOD_UID": str(WORKER)} if image else {})}
    return subprocess.run([sys.executable, "-S", "-c", textwrap.dedent(code)], env=env, cwd="/", capture_output=True, text=True, timeout=60)


@ROOT
@pytest.mark.parametrize("owner", [0, STRANGER])
def test_the_image_uses_a_volume_of_root_or_of_a_stranger(mount, owner):
    os.chown(mount, owner, owner)
    kept = mount / "gopherpod" / "data" / "ab"
    kept.mkdir(parents=True)  # as a client made it, over S3
    for folder in [kept, kept.parent, kept.parent.parent]:
        os.chown(folder, owner, owner)
    done = as_worker(mount, image=True)
    assert done.stdout.split() == [str(WORKER), str(mount / "gopherpod")] and done.stderr == "", done
    assert (kept / "x").read_text() == "x" and (kept / "x").stat().st_uid == WORKER
    assert mount.stat().st_uid == owner


@ROOT
def test_without_root_it_says_why_it_does_not_use_the_volume(mount):
    done = as_worker(mount, image=False)
    assert done.stdout.split() == [str(WORKER), "None"]
    for part in [f"user {WORKER} cannot write to {mount}", "it belongs to user 0", "is lost when it stops", "chown -R"]:
        assert part in done.stderr, done


@ROOT
def test_a_user_that_is_not_one_is_refused():
    for uid in ["0", "worker", "-1"]:
        done = subprocess.run([sys.executable, "handler.py", "--self-test"], env={**os.environ, "GOPHERPOD_UID": uid}, cwd=os.path.dirname(os.path.dirname(volume.__file__)),
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "GOPHERPOD_UID: want the number of a user other than root" in done.stderr


def test_a_volume_that_can_be_written_to_is_used(mount):
    assert volume.problem() == "" and data.folder() == mount / "gopherpod"
    assert "volume_problem" not in run({"operation": "capabilities"})[0]


def test_capabilities_and_trainings_say_what_is_wrong(mount, monkeypatch):
    (mount / "gopherpod").write_text("")  # no folder: fails for every user
    assert "the network volume is not used" in run({"operation": "capabilities"})[0]["volume_problem"]
    assert data.folder() != mount / "gopherpod"
    _, told = run(request(model=MLP, hyper={"epochs": 1}))
    assert [e["message"] for e in told if e["type"] == "log" and "the network volume is not used" in e["message"]]


def test_no_volume_is_no_problem(tmp_path, monkeypatch):
    monkeypatch.setattr(volume, "PATH", str(tmp_path / "none"))
    assert volume.problem() == "" and volume.folder() is None
