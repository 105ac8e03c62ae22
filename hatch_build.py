"""Build hook: brings the sky page's viewer, OpenSeadragon, into the wheel and editable installs.

npm fetches the version that package.json pins. Where npm is missing or fails, the build goes on
with a warning, and the sky page shows a reduced image instead.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_VENDOR = "src/parhelion/sky/web/vendor"
_SCRIPT = "openseadragon.min.js"
_LICENSE = "openseadragon-license.txt"
_SECONDS = 120


class ViewerAssetHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the pinned script and its license into the source tree, and the wheel takes them."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        vendor = root / _VENDOR
        package = json.loads((root / "package.json").read_text(encoding="utf-8"))
        wanted = package["config"]["openseadragon-sha256"]
        if not _is_there(vendor, wanted):
            # What is there is the pinned version, whole, or nothing.
            (vendor / _SCRIPT).unlink(missing_ok=True)
            try:
                _install(root / "package.json", vendor, wanted)
            except (OSError, subprocess.SubprocessError, ValueError) as error:
                self.app.display_warning(
                    f"OpenSeadragon was not installed ({_reason(error)}): "
                    "sky pages will show a reduced image; install npm and build again to zoom"
                )
        # Git ignores them, so that the wheel would leave them out.
        build_data["artifacts"] += [f"{_VENDOR}/{name}" for name in (_SCRIPT, _LICENSE)]


def _is_there(vendor: Path, wanted: str) -> bool:
    script = vendor / _SCRIPT
    return script.is_file() and (vendor / _LICENSE).is_file() and _digest(script) == wanted


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _install(package: Path, vendor: Path, wanted: str) -> None:
    """Fetch with npm into a temporary folder; put the script in place last, by a rename."""
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is missing")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(package, folder)
        command = ["install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
        subprocess.run(
            [npm, *command],
            cwd=folder,
            timeout=_SECONDS,
            check=True,
            capture_output=True,
            text=True,
        )
        installed = Path(folder, "node_modules", "openseadragon")
        script = installed / "build" / "openseadragon" / _SCRIPT
        if _digest(script) != wanted:
            raise ValueError("its script is not the one whose SHA-256 package.json holds")
        vendor.mkdir(parents=True, exist_ok=True)
        for source, name in ((installed / "LICENSE.txt", _LICENSE), (script, _SCRIPT)):
            part = vendor / f".part-{os.getpid()}-{name}"
            shutil.copyfile(source, part)
            os.replace(part, vendor / name)


def _reason(error: Exception) -> str:
    """Return one line that says why."""
    if isinstance(error, subprocess.CalledProcessError):
        lines = [line for line in (error.stderr or "").splitlines() if "error" in line]
        return f"npm: {lines[0]}" if lines else f"npm ended with {error.returncode}"
    if isinstance(error, subprocess.TimeoutExpired):
        return f"npm took more than {_SECONDS} s"
    return str(error)
