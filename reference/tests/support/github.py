"""As much of GitHub as a composite action needs: steps in order, each in an environment of its own.

After the documentation of GitHub: "metadata syntax for composite actions", "workflow commands",
"variables", and the shell that ``shell: bash`` stands for.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import yaml

SHELL = ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail")
KEPT = ("PATH", "HOME", "LANG")
"""Of our own environment; what tells pip where packages are, too."""

_EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")


@dataclass
class Job:
    """What came of an action.

    Attributes:
        ok: Whether all of its steps succeeded.
        outputs: Its outputs.
        summary: What its steps wrote for the summary.
        log: What they printed.
        ran: Ids of the steps that ran, in order.
    """

    ok: bool = True
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    log: str = ""
    ran: list[str] = field(default_factory=list)


def run(action: Path, workspace: Path, temp: Path, **inputs: str) -> Job:
    """Run a composite action; ``_`` in names of inputs stands for ``-``.

    Args:
        action: The directory with its ``action.yml``.
        workspace: Where the job's repository is checked out.
        temp: An empty directory for the runner's own files.
        inputs: What the workflow says behind ``with``.
    """
    about = yaml.safe_load((action / "action.yml").read_text())
    given = {name.replace("_", "-"): value for name, value in inputs.items()}
    unknown = given.keys() - about["inputs"].keys()
    assert not unknown, f"GitHub warns: unexpected inputs {unknown}"
    known = {f"inputs.{name}": told.get("default", "") for name, told in about["inputs"].items()}
    known |= {f"inputs.{name}": value for name, value in given.items()}
    known["github.action_path"] = str(action)
    job = Job()
    for number, step in enumerate(about["runs"]["steps"]):
        place = temp / str(number)
        place.mkdir()
        told = _step(job, step, known, workspace, place)
        known |= {f"steps.{step['id']}.outputs.{name}": value for name, value in told.items()}
        if not job.ok:
            break
    job.outputs = {
        name: _evaluated(told["value"], known) for name, told in about["outputs"].items()
    }
    return job


def _step(
    job: Job, step: dict[str, object], known: dict[str, str], workspace: Path, place: Path
) -> dict[str, str]:
    files = {name: place / name for name in ("output", "step_summary", "env", "path")}
    for file in files.values():
        file.touch()
    script = place / "script.sh"
    script.write_text(_evaluated(str(step["run"]), known))
    environment = {
        **{name: value for name, value in os.environ.items() if name in KEPT or "PIP_" in name},
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(workspace),
        "GITHUB_ACTION_PATH": known["github.action_path"],
        "RUNNER_TEMP": str(place),
        **{f"GITHUB_{name.upper()}": str(file) for name, file in files.items()},
        **{name: _evaluated(value, known) for name, value in dict(step["env"]).items()},
    }
    done = subprocess.run(
        [*SHELL, str(script)],
        check=False,
        cwd=workspace,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    job.ran.append(str(step["id"]))
    job.log += done.stdout
    job.summary += files["step_summary"].read_text()
    job.ok = done.returncode == 0
    return dict(line.split("=", 1) for line in files["output"].read_text().splitlines())


def _evaluated(text: str, known: dict[str, str]) -> str:
    """Return a text with its expressions; what is not known is empty."""
    return _EXPRESSION.sub(lambda match: known.get(match[1], ""), text)
