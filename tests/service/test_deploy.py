"""The files in ``deploy/``: what they name exists, and what they run works."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from feedengine.config import PREFIX, declared
from feedengine.engine import Engine
from feedengine.service.process import STOP_SECONDS

from .running import Service, until

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNIT = (DEPLOY / "feedengine.service").read_text("utf-8")
EXAMPLE = (DEPLOY / "environment.example").read_text("utf-8")
CONTAINER = (DEPLOY / "Containerfile").read_text("utf-8")

SETTINGS = {f"{PREFIX}{name.upper()}" for name in declared()}


def unit(key: str) -> str:
    """The one value of a key in the unit."""
    [found] = re.findall(rf"^{key}=(.*)$", UNIT, re.MULTILINE)
    return str(found)


def analyzed(*arguments: str | Path) -> str:
    """What ``systemd-analyze`` has to say; in CI it must be there (.ci/run sees to it)."""
    program = shutil.which("systemd-analyze")
    if program is None and not os.environ.get("CI"):
        pytest.skip("systemd-analyze is not installed")
    assert program is not None
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, env={"LC_ALL": "C"}
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout + done.stderr


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    """No unknown key, no value that it would ignore; with a program that is there."""
    made = tmp_path / "feedengine.service"
    program = shlex.split(unit("ExecStart"))[0]
    made.write_text(UNIT.replace(program, sys.executable), "utf-8")
    said = analyzed("verify", "--man=no", made)
    assert not [line for line in said.splitlines() if "feedengine" in line]


def test_the_unit_may_do_little(tmp_path: Path) -> None:
    """Exposure as systemd counts it, from 0 to 10; most services have more than 9."""
    shutil.copy(DEPLOY / "feedengine.service", tmp_path)
    unit_file = tmp_path / "feedengine.service"
    said = analyzed("security", "--offline=yes", "--no-pager", "--threshold=20", unit_file)
    assert "Overall exposure level" in said


def test_the_unit_fits_the_service() -> None:
    """What it starts is a command, and it is patient enough for the end and for a long batch."""
    _, *words = shlex.split(unit("ExecStart"))
    done = subprocess.run(
        [sys.executable, "-c", "from feedengine.cli.main import main; main()", words[0], "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Usage: feedengine watch" in done.stdout
    assert all(word.partition("=")[0] in done.stdout for word in words[1:])
    assert unit("Type") == "notify"
    assert float(unit("TimeoutStopSec")) > STOP_SECONDS
    assert float(unit("WatchdogSec")) > 60
    assert unit("RestartPreventExitStatus") == "2"


@pytest.mark.parametrize("text", [UNIT, EXAMPLE, CONTAINER], ids=["unit", "example", "container"])
def test_variables_are_settings(text: str) -> None:
    """A misspelt one would end the service with exit status 2."""
    named = set(re.findall(rf"\b{PREFIX}[A-Z0-9_]+", text))
    assert named
    assert named <= SETTINGS


def test_the_example_can_be_used_as_it_stands(tmp_path: Path) -> None:
    """Every line, also those that are commented out, is one that the service takes."""
    lines = re.findall(rf"^#?({PREFIX}[A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE)
    given = dict(lines) | {"FEEDENGINE_METRICS_PORT": "0"}
    given.pop("FEEDENGINE_DATABASE_URL")  # there is no such host
    Engine.init(tmp_path / "site").close()
    with Service(tmp_path / "site", **given) as service:
        service.says("metrics are served")
        assert service.says("watching the Stack")["by"] == "polling"
        assert service.end() == 0


def test_the_readme_copies_files_that_are_there() -> None:
    """Each path below deploy/ that it names."""
    named = re.findall(r"\bdeploy/[\w.]+", (DEPLOY / "README.md").read_text("utf-8"))
    assert named
    assert all((ROOT / one).is_file() for one in named)


class Step(NamedTuple):
    """An instruction of a container file."""

    word: str
    rest: str


def stages() -> list[list[Step]]:
    """The instructions of each stage."""
    found: list[list[Step]] = []
    for line in CONTAINER.splitlines():
        if line and line[0] != "#":
            word, _, rest = line.partition(" ")
            if word == "FROM":
                found.append([])
            found[-1].append(Step(word, rest))
    return found


def rest_of(steps: list[Step], word: str) -> list[str]:
    """What stands behind each such instruction."""
    return [step.rest for step in steps if step.word == word]


def test_the_container_runs_as_nobody_in_particular() -> None:
    """A user of its own, a volume, a health check, and a signal that ends it cleanly."""
    last = stages()[-1]
    words = [step.word for step in last]
    assert rest_of(last, "USER") == ["feedengine"]
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert json.loads(rest_of(last, "VOLUME")[0]) == ["/srv/feedengine"]
    assert rest_of(last, "STOPSIGNAL") == ["SIGTERM"]
    assert any(step.word == "HEALTHCHECK" for step in last)


def test_the_container_can_be_built_and_is_healthy(tmp_path: Path) -> None:
    """Its own commands, in folders of the test's: built, started, asked for its health."""
    build, last = stages()
    moved = {"/opt/feedengine": tmp_path / "opt", "/src": tmp_path / "src"}

    def here(text: str) -> list[str]:
        for there, path in moved.items():
            text = text.replace(there, str(path))
        return shlex.split(text)

    for rest in rest_of(build, "COPY"):
        *sources, target = here(rest)
        for source in sources:
            to = Path(target) / source if rest.endswith("/") else Path(target)
            to.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if (ROOT / source).is_dir() else shutil.copy)(ROOT / source, to)
    for rest in rest_of(build, "RUN"):
        command = here(rest)
        command[0] = sys.executable if command[0] == "python" else command[0]
        subprocess.run(command, check=True, capture_output=True)
    _started(tmp_path, last)


def _started(tmp_path: Path, last: list[Step]) -> None:
    program = tmp_path / "opt/bin"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        "PATH": f"{program}:{os.environ['PATH']}",
        "FEEDENGINE_ROOT": str(tmp_path / "site"),
        "FEEDENGINE_METRICS_PORT": str(port),
    }
    assert set(environment) <= set(re.findall(r"\b(\w+)=", " ".join(rest_of(last, "ENV"))))
    entry, command = (json.loads(rest_of(last, word)[0]) for word in ("ENTRYPOINT", "CMD"))
    health = json.loads(rest_of(last, "HEALTHCHECK")[0].partition("CMD ")[2])
    entry[0], health[0] = str(program / entry[0]), str(program / health[0])

    def healthy() -> bool:
        # Not in the repository's folder: its modules would be taken for those installed.
        return not subprocess.run(health, env=environment, cwd=tmp_path, check=False).returncode

    subprocess.run([*entry, "init"], env=environment, check=True, capture_output=True)
    assert not healthy()
    with subprocess.Popen([*entry, *command], env=environment, cwd=tmp_path) as made:
        try:
            until(lambda: healthy() or made.poll() is not None)
        finally:
            made.terminate()
        assert made.wait() == 0
