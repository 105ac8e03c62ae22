"""The package's public face: what it lists exists, and listing it costs nothing."""

import importlib
import subprocess
import sys

import pytest

import parhelion

ROOMS = (
    "augmentation",
    "catalog",
    "classification",
    "generation",
    "detection",
    "measurement",
    "mixing",
    "sky",
    "provenance",
    "training",
    "reporting",
    "experiments",
)


@pytest.mark.parametrize("room", ["", *ROOMS])
def test_every_public_name_is_there(room: str) -> None:
    module = importlib.import_module(f"parhelion.{room}" if room else "parhelion")
    assert module.__all__ or room == ""
    for name in dir(module):
        assert getattr(module, name) is not None


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, parhelion, parhelion.cli;"
        "from parhelion import GanSettings, DetectorSettings, WidefieldSettings;"
        "heavy = {'torch', 'numpy', 'PIL', 'astropy', 'pyarrow', 'bokeh'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_the_version_is_the_package_s() -> None:
    from importlib.metadata import version

    assert parhelion.__version__ == version("parhelion")


def test_rooms_depend_downwards_only_and_on_what_they_offer() -> None:
    """No module imports from a room above its own or beside it, nor what another keeps private.

    But that the command line reads light modules of settings, for its help.
    """
    import ast
    from pathlib import Path

    level = {
        "provenance": 0,
        "catalog": 1,
        "training": 2,
        "augmentation": 3,
        "generation": 3,
        "classification": 3,
        "detection": 3,
        "sky": 3,
        "measurement": 4,
        "mixing": 5,
        "reporting": 5,
        "experiments": 6,
        "cli": 7,
    }
    root = Path(parhelion.__file__).parent
    wrong = []
    for path in root.rglob("*.py"):
        room = path.relative_to(root).parts[0]
        if room not in level:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("parhelion."):
                other = node.module.split(".")[1]  # type: ignore[union-attr]
                if other == room or other not in level:
                    continue
                is_private = "._" in node.module and room != "cli"  # type: ignore[operator]
                if level[other] >= level[room] or is_private:
                    wrong.append(f"{path.relative_to(root)} imports {node.module}")
    assert wrong == []
