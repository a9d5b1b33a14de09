"""The two commands of a fresh clone: `python3 run.py site` and `python3 run.py test`.

Only Python and git are needed; everything else is installed into .cache/run, next to this file.
`test` without arguments runs the label `test` of tox.ini, or the nearest set that this machine can
run, and says what is left out; arguments are handed to `tox run`.
"""

import sys

# An older Python must be able to read this whole file to say so: no syntax newer than 3.6 below.
if sys.version_info < (3, 11):  # noqa: UP036
    HERE = "{}.{}".format(*sys.version_info)
    sys.exit(f"django-chat-sessions needs Python 3.11 or newer, this is {HERE}.")

import configparser
import functools
import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent
HOME = ROOT / ".cache" / "run"
BIN = HOME / "venv" / ("Scripts" if os.name == "nt" else "bin")
MINORS = range(11, 16)  # Python 3.11 to 3.15
DJANGO_NEEDS = {"52": (3, 10), "60": (3, 12), "61": (3, 12)}  # the oldest Python of each Django
DJANGO_ENDS = {"52": (3, 14), "60": (3, 14)}  # and the newest
WHICH_PYTHON = "import os, sys; print(*sys.version_info[:2], os.path.realpath(sys.executable))"
# What writes nothing that another of them reads.
BESIDE = {"lint", "security", "types", "migrations", "docs", "frontend"}
QUIET = subprocess.DEVNULL
USAGE = "Use: python3 run.py site [--port N] [--host H], or: python3 run.py test [tox arguments]"


def main(arguments):
    """Run one of the two commands, with the rest of the arguments."""
    command, *rest = arguments or [""]
    os.chdir(ROOT)
    # The versions that the checks are known to pass with; relative, because uv splits it at spaces.
    os.environ.setdefault("UV_CONSTRAINT", ".ci/constraints.txt")
    if command == "site":
        install("site", ["--editable", ".", "--group", "example"])
        become([BIN / "python", ROOT / "example_project" / "serve.py", *rest])
    elif command == "test":
        install("test", ["tox>=4.24", "tox-uv>=1.28"])
        prepare_tox()
        tox = [BIN / "python", "-m", "tox"]
        if rest:
            become([*tox, "run", *rest])
        names = covering_set()
        beside = [name for name in names if name in BESIDE]
        # Each of these keeps one processor busy; the others share out all there are by themselves.
        done = run(
            [*tox, "run-parallel", "--parallel", "2", "--parallel-no-spinner", *only(beside)]
        )
        alone = run([*tox, "run", *only(name for name in names if name not in BESIDE)])
        sys.exit(done or alone)
    else:
        sys.exit(USAGE)


def install(purpose, requirements):
    """Install what a command needs into our own environment, once for each pyproject.toml."""
    if output([BIN / "python", "-c", "print('works')"]) != "works":
        make_environment()
    state = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + repr(requirements).encode())
    stamp = HOME / f"{purpose}.installed"
    if stamp.exists() and stamp.read_text() == state.hexdigest():
        return
    say(f"Installing what `{purpose}` needs …")
    follow_pip()
    # Started as a module: a checkout that was moved has scripts that point nowhere.
    command = [BIN / "python", "-m", "uv", "pip", "install", "--quiet", "--python", BIN / "python"]
    attempt(
        [*command, *requirements],
        "The packages could not be installed; is the network or PyPI out of reach?",
    )
    stamp.write_text(state.hexdigest())


def make_environment():
    """Make the environment anew, with the installer in it."""
    say("Making an environment in .cache/run …")
    shutil.rmtree(HOME, ignore_errors=True)
    attempt(
        [sys.executable, "-m", "venv", HOME / "venv"],
        "This Python cannot make an environment; install your system's python3-venv package.",
    )
    attempt(
        [BIN / "python", "-m", "pip", "install", "--quiet", "uv"],
        "The installer uv could not be installed; is the network or PyPI out of reach?",
    )


def follow_pip():
    """Give uv the package index and certificate that this machine's pip is set up with."""
    configured = output([BIN / "python", "-m", "pip", "config", "get", "global.index-url"])
    index = os.environ.get("PIP_INDEX_URL") or configured
    if index and not os.environ.get("UV_INDEX_URL"):
        os.environ.setdefault("UV_DEFAULT_INDEX", index)
    if os.environ.get("PIP_CERT"):
        os.environ.setdefault("SSL_CERT_FILE", os.environ["PIP_CERT"])


def prepare_tox():
    """Let tox find the interpreters of this machine, and no others."""
    follow_pip()
    folders = []
    for version, path in interpreters().items():
        first = shutil.which(f"python{version[0]}.{version[1]}")
        # Real interpreters come before pyenv's shims, which exist for versions that do not run.
        if not first or Path(first).resolve() != path:
            folders.append(str(path.parent))
    os.environ["PATH"] = os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)])
    os.environ["UV_PYTHON_DOWNLOADS"] = "never"
    newest = max(interpreters())
    os.environ.setdefault("CHAT_SESSIONS_PYTHON", f"py{newest[0]}{newest[1]}")
    os.environ.pop("VIRTUAL_ENV", None)


@functools.cache
def interpreters():
    """Return the Python interpreters that really run here, {(3, 11): path, …}, oldest first."""
    candidates = [sys.executable]
    pyenv = os.environ.get("PYENV_ROOT") or str(Path.home() / ".pyenv")
    candidates.extend(sorted(map(str, Path(pyenv).glob("versions/*/bin/python3"))))
    for minor in MINORS:
        candidates.append(shutil.which(f"python3.{minor}"))
        candidates.append(
            output([BIN / "python", "-m", "uv", "python", "find", "--no-project", f"3.{minor}"])
        )
    found = {}
    for candidate in filter(None, candidates):
        answer = re.fullmatch(r"3 (\d+) (.+)", output([candidate, "-c", WHICH_PYTHON]))
        if answer and int(answer[1]) in MINORS:
            found.setdefault((3, int(answer[1])), Path(answer[2]))
    return dict(sorted(found.items()))


def covering_set():
    """Return the environments of the label `test`, less or other than what cannot be had here."""
    declared = configparser.ConfigParser(interpolation=None)
    declared.read(ROOT / "tox.ini", encoding="utf-8")
    label = re.search(r"test\s*=\s*(.+)", declared["tox"]["labels"])[1]
    wanted = [name.strip() for name in label.split(",")]
    choices = [nearest(name, list(interpreters())) for name in wanted]
    notes = sorted({note for _, note in choices if note})
    for note in notes:
        print(note, flush=True)
    if notes and os.environ.get("CI"):
        sys.exit("In CI everything must run, so install what is named above.")
    if notes or wanted != [name for name, _ in choices]:
        # Lines for what this machine lacks cannot be reached here, so the bar is for the full set.
        os.environ.setdefault("CHAT_SESSIONS_COVERAGE", "0")
        print("The coverage bar is not applied, because this is not the full set.", flush=True)
    return list(dict.fromkeys(name for name, _ in choices if name))


def only(names):
    """Return tox's arguments for these environments."""
    return ["--skip-missing-interpreters", "false", "-e", ",".join(names)]


def nearest(name, pythons):
    """Return the environment to run instead of `name` (itself, another or None), and why."""
    if name == "browser" and not has_browser():
        return None, "Not run: the browser tests, because Chromium or Chrome is not installed."
    if name.endswith("mariadb-default") and not has_mariadb():
        return None, "Not run: MariaDB, because no mariadb-server is installed."
    matched = re.fullmatch(r"py3(\d+)-django(\d+)-(.+)", name)
    if not matched:
        return name, ""
    python, django, rest = (3, int(matched[1])), matched[2], matched[3]
    if python in pythons:
        return name, ""
    suitable = [version for version in pythons if suits(version, django)]
    if suitable:
        return f"py3{suitable[0][1]}-django{django}-{rest}", ""
    note = f"Not run: Django {django[0]}.{django[1]}, because no Python here suits it."
    # The same database and models with the newest Django that a Python here runs.
    pairs = [(django, python) for django in DJANGO_NEEDS for python in pythons]
    django, python = max(pair for pair in pairs if suits(pair[1], pair[0]))
    return f"py3{python[1]}-django{django}-{rest}", note


def suits(python, django):
    """Tell whether a Django release runs on a Python release."""
    return DJANGO_NEEDS[django] <= python <= DJANGO_ENDS.get(django, (3, 99))


def has_browser():
    """Tell whether the browser tests find a browser."""
    command = [sys.executable, "-m", "tests.chromium"]
    return subprocess.run(command, stderr=QUIET, check=False).returncode == 0


def has_mariadb():
    """Tell whether a MariaDB or MySQL server can be used."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    return bool(
        re.match("mysql|mariadb", os.environ.get("DATABASE_URL", ""))
        or (shutil.which("mariadbd", path=path) and shutil.which("mariadb-install-db", path=path))
    )


def output(command):
    """Return what a command prints, or nothing when it fails."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=QUIET, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def attempt(command, otherwise):
    """Run a command, or leave with one sentence and the last thing the command said."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        sys.exit("\n".join([otherwise, *done.stdout.strip().splitlines()[-1:]]))


def run(command):
    """Run a command for people to see; return its exit code."""
    sys.stdout.flush()
    return subprocess.run([str(part) for part in command], check=False).returncode


def become(command):
    """Replace this process, so that signals and the exit code are the command's own."""
    sys.stdout.flush()
    command = [str(part) for part in command]
    if os.name == "nt":
        sys.exit(subprocess.run(command, check=False).returncode)
    os.execv(command[0], command)  # noqa: S606


def say(sentence):
    """Tell a person what takes time; a pipe gets results only."""
    if sys.stdout.isatty():
        print(sentence, flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
