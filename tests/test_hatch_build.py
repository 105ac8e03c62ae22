"""The build hook: the viewer comes whole or not at all, and a build without npm goes on."""

import importlib.util
import json
import os
import stat
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("hatchling")
ROOT = Path(__file__).parents[1]
SCRIPT = b"//! a viewer\n"


@pytest.fixture
def hook_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose package.json wants `SCRIPT`."""
    import hashlib

    root = tmp_path / "project"
    root.mkdir()
    package = {
        "dependencies": {"openseadragon": "6.1.1"},
        "config": {"openseadragon-sha256": hashlib.sha256(SCRIPT).hexdigest()},
    }
    (root / "package.json").write_text(json.dumps(package))
    return root


def fake_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Put a program named npm, and nothing else of that name, into the path."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    program = folder / "npm"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")


INSTALLS = """
test -f package.json || exit 9
mkdir -p node_modules/openseadragon/build/openseadragon
cd node_modules/openseadragon
printf '//! a viewer\\n' > build/openseadragon/openseadragon.min.js
echo "BSD" > LICENSE.txt
"""


def build(module: ModuleType, root: Path) -> tuple[list[str], dict[str, Any]]:
    """Run the hook; return its warnings and what it gave the wheel."""
    warnings: list[str] = []
    app = SimpleNamespace(display_warning=warnings.append)
    hook = module.ViewerAssetHook(str(root), {}, None, None, str(root), "wheel", app)
    data: dict[str, Any] = {"artifacts": []}
    hook.initialize("standard", data)
    return warnings, data


def held(root: Path) -> list[str]:
    folder = root / "src/parhelion/sky/web/vendor"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_npm_brings_the_viewer_and_its_license(
    tmp_path: Path, project: Path, hook_module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_npm(tmp_path, monkeypatch, INSTALLS)
    warnings, data = build(hook_module, project)
    assert warnings == []
    assert held(project) == ["openseadragon-license.txt", "openseadragon.min.js"]
    script = project / "src/parhelion/sky/web/vendor/openseadragon.min.js"
    assert script.read_bytes() == SCRIPT
    assert [Path(name).name for name in data["artifacts"]] == [
        "openseadragon.min.js",
        "openseadragon-license.txt",
    ]
    # What is there is not fetched again.
    fake_npm(tmp_path, monkeypatch, "exit 1")
    assert build(hook_module, project)[0] == []


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (None, "npm is missing"),
        ("echo 'npm error code ENOTFOUND' >&2; exit 1", "npm: npm error code ENOTFOUND"),
        (INSTALLS.replace("a viewer", "another"), "SHA-256"),
        (INSTALLS + "rm LICENSE.txt", "LICENSE.txt"),
    ],
)
def test_where_npm_fails_the_build_goes_on_without(
    tmp_path: Path,
    project: Path,
    hook_module: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    body: str | None,
    why: str,
) -> None:
    vendor = project / "src/parhelion/sky/web/vendor"
    vendor.mkdir(parents=True)
    (vendor / "openseadragon.min.js").write_text("an older version")
    if body is None:
        monkeypatch.setenv("PATH", str(tmp_path))
    else:
        fake_npm(tmp_path, monkeypatch, body)
    warnings, _ = build(hook_module, project)
    assert len(warnings) == 1
    assert why in warnings[0]
    assert "\n" not in warnings[0]
    assert "reduced image" in warnings[0]
    assert "openseadragon.min.js" not in held(project)


def test_the_pinned_version_is_exact() -> None:
    package = json.loads((ROOT / "package.json").read_text())
    assert set(package["dependencies"]["openseadragon"]) <= set("0123456789.")
    assert len(package["config"]["openseadragon-sha256"]) == 64
