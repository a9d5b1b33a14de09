"""Build what is missing, prepare the database and serve the site.

Started by `python3 run.py site`, inside the environment that this made.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

HOME = Path(__file__).resolve().parent
PACKAGE = HOME.parent / "frontend"
SITE = HOME / "frontend"
OLDEST_NODE = 22
LOOPBACK = ("127.0.0.1", "localhost", "::1")
OFFLINE = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ECONNRESET|network")
GRACE = 3  # seconds that open requests get after Ctrl-C
TO_TRY = """
  Open     {address}
  Log in   student / student-pass, or teacher / teacher-pass; visitors can chat too

  Try      ask something, then reload the page: the same conversation
           open a second tab, or walk to another page and back: the same again
           stop this with Ctrl-C in the middle of an answer and start it again
           XP_IDLE_SECONDS=30 to see what happens after the timeout (5 minutes)
           XP_ANSWER_DELAY=20 for answers that take their time

  Stop     Ctrl-C
"""


class Problem(Exception):
    """Why the site cannot be served, in one sentence."""


def main() -> None:
    """Do everything, in the order in which it can go wrong soonest."""
    options = parse(sys.argv[1:])
    listener = reserve(options.host, options.port)
    build()
    prepare(options.host)
    serve(listener, address_of(options.host, listener.getsockname()[1]))


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(prog="serve.py", description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8000, help="default: 8000; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1, this machine only")
    return parser.parse_args(arguments)


def reserve(host: str, port: int) -> socket.socket:
    """Take the port first: nobody should wait for a build to hear that it is in use."""
    try:
        if port not in range(65536):  # getaddrinfo would take the remainder
            raise OSError("no such port")
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        if os.name != "nt":  # on Windows this would let two servers share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, OverflowError) as error:
        raise Problem(
            f"Cannot listen on {host}:{port} ({error.args[-1]}); choose another one with --port."
        ) from error
    return listener


def address_of(host: str, port: int) -> str:
    """What to type into a browser."""
    shown = "127.0.0.1" if host in ("", "0.0.0.0", "::") else host  # noqa: S104  not bound here
    return f"http://[{shown}]:{port}/" if ":" in shown else f"http://{shown}:{port}/"


def build() -> None:
    """Build the npm package and the site's own React client, if their sources have changed."""
    state = digest(sources(PACKAGE))
    if not is_built(PACKAGE, state):
        say("Building the chat's npm package (once, about half a minute) …")
        make(PACKAGE)
        stamp(PACKAGE, state)
    state = digest([*sources(PACKAGE), *sources(SITE)])
    if not is_built(SITE, state):
        say("Building the site's React client …")
        make(SITE)
        stamp(SITE, state)


def sources(folder: Path) -> list[Path]:
    """The files that the result is made of."""
    own = [*folder.glob("*.json"), *folder.glob("vite.config.ts")]
    inside = [path for path in (folder / "src").rglob("*") if path.is_file()]
    return [*own, *(path for path in inside if ".test." not in path.name)]


def digest(paths: Iterable[Path]) -> str:
    """Contents decide, not dates: a checkout gives every file a new one."""
    state = hashlib.sha256()
    for path in sorted(paths):
        content = path.read_bytes()
        state.update(f"{path.relative_to(HOME.parent)} {len(content)}\n".encode() + content)
    return state.hexdigest()


def stamp(folder: Path, state: str) -> None:
    """Remember what was built, in a place that the next build empties."""
    (folder / "dist" / ".sources").write_text(state)


def is_built(folder: Path, state: str) -> bool:
    """Whether what is there was made of these sources."""
    try:
        return (folder / "dist" / ".sources").read_text() == state
    except OSError:
        return False


def make(folder: Path) -> None:
    """Install what the build needs, if it is not there yet, and build."""
    environment = environment_with_node()
    lock, installed = folder / "package-lock.json", folder / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        quick = ["--no-audit", "--no-fund", "--prefer-offline", "--fetch-retry-mintimeout=2000"]
        npm(folder, ["ci", *quick], environment)
    npm(folder, ["run", "build"], environment)


def environment_with_node() -> dict[str, str]:
    """The environment in which npm finds Node: ours if it is installed, else the system's."""
    here = Path(sys.executable).parent
    path = os.pathsep.join([str(here), os.environ.get("PATH", os.defpath)])
    node, npm_command = shutil.which("node", path=path), shutil.which("npm", path=path)
    said = output([node, "--version"]) if node and npm_command else ""
    version = re.match(r"v(\d+)\.", said)
    if version is None or int(version[1]) < OLDEST_NODE:
        raise Problem(
            f"Node {OLDEST_NODE} or newer with npm is needed to build the chat; start with "
            "`python3 run.py site`, which brings it along."
        )
    return {**os.environ, "PATH": path}


def npm(folder: Path, arguments: list[str], environment: dict[str, str]) -> None:
    """Run npm without a word, unless it fails."""
    command = [shutil.which("npm", path=environment["PATH"]) or "npm", *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return
    where = folder.relative_to(HOME.parent)
    if arguments[0] == "ci" and OFFLINE.search(done.stdout):
        raise Problem(
            f"npm cannot reach its registry to install what {where} needs; are you online?"
        )
    said = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    lines = [line for line in said if line.startswith("npm error")] or said[-1:]
    reason = lines[0] if lines else f"exit code {done.returncode}"
    raise Problem(f"`npm {' '.join(arguments[:2])}` failed in {where}: {reason}")


def output(command: list[str]) -> str:
    """Return what a command prints, or nothing when it cannot run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def prepare(host: str) -> None:
    """Bring the database and the static files up to date."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    if host not in LOOPBACK:
        # Asked for by name, so any name that leads here is meant.
        os.environ.setdefault("XP_HOSTS", "*")
        say("Others in your network can reach this, and its key and passwords are public.")
    try:
        # Here, because what is missing is told in a sentence.
        import django  # noqa: PLC0415
        from django.core.management import CommandError, call_command  # noqa: PLC0415
        from django.db import Error  # noqa: PLC0415
    except ImportError as error:
        raise Problem(f"{error.msg}; start with `python3 run.py site`.") from error
    try:
        from subjects.pacing import Pace  # noqa: PLC0415

        Pace.from_environment()
        django.setup()
        say("Bringing the database up to date …")
        call_command("migrate", verbosity=0, interactive=False)
        call_command("load_subjects", stdout=open(os.devnull, "w"))  # noqa: PTH123, SIM115
        call_command("collectstatic", verbosity=0, interactive=False)
    except (ImportError, ValueError, CommandError) as error:
        raise Problem(str(error)) from error
    except (Error, OSError) as error:
        raise Problem(f"The site cannot be prepared: {error}".strip()) from error


def serve(listener: socket.socket, address: str) -> None:
    """Answer requests until Ctrl-C."""
    import uvicorn  # noqa: PLC0415

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            say(TO_TRY.format(address=address))

    server = Server(
        uvicorn.Config(
            "config.asgi:application",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=GRACE,
        )
    )
    server.run(sockets=[listener])


def say(sentence: str) -> None:
    """Tell the person who waits."""
    print(sentence, flush=True)


if __name__ == "__main__":
    try:
        main()
    except Problem as problem:
        sys.exit(" ".join(str(problem).split()))
    except KeyboardInterrupt:
        say("\nStopped. The conversations are kept.")
