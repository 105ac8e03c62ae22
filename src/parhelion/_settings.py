"""Settings are frozen dataclasses: checked when built, filled from TOML, saved beside results."""

import dataclasses
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from parhelion._files import write_json
from parhelion._version import __version__
from parhelion.errors import InputError, SettingsError

S = TypeVar("S")

SETTINGS_FILE = "settings.json"


def require(ok: bool, flag: str, value: object, must: str) -> None:
    """Raise `SettingsError` naming the flag and its value unless `ok`."""
    if not ok:
        raise SettingsError(f"--{flag} (={value}) must {must}")


def as_flag(name: str, value: object) -> str:
    """Return a setting as one gives it on the command line."""
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    values = value if isinstance(value, list | tuple) else [value]
    return " ".join(f"--{flag} {item}" for item in values)


def settings_dict(settings: Any) -> dict[str, Any]:
    """Return the fields of a settings dataclass as plain JSON values."""
    return {key: _plain(value) for key, value in dataclasses.asdict(settings).items()}


def save_settings(folder: Path, verb: str, settings: Any, **given: object) -> None:
    """Write the resolved settings of `verb`, and what it was given, to ``settings.json``."""
    write_json(
        folder / SETTINGS_FILE,
        {
            "verb": verb,
            "parhelion": __version__,
            "given": {key: _plain(value) for key, value in given.items()},
            "settings": settings_dict(settings),
        },
    )


def settings_from_dict(kind: type[S], values: Mapping[str, Any], *, where: str) -> S:
    """Build `kind` from a mapping; unknown keys are an error that names them and `where`."""
    known = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    cleaned = {key.replace("-", "_"): value for key, value in values.items()}
    unknown = sorted(set(cleaned) - known)
    if unknown:
        raise SettingsError(
            f"unknown setting {unknown[0]!r} in {where}; known are: {', '.join(sorted(known))}"
        )
    # TOML and JSON have lists where the dataclass has tuples.
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in cleaned.items()})


def recipe_path(name: str | Path) -> Path:
    """Return the TOML file `name`: a path, or the bare name of a recipe that ships.

    Raises
    ------
    InputError
        If there is neither such a file nor such a recipe; the message lists the recipes.
    """
    path = Path(name)
    if path.is_file():
        return path
    here = Path(__file__).parent
    folders = [here / "recipes", here.parents[1] / "recipes"]  # installed; in a checkout
    for folder in folders:
        candidate = folder / f"{path.name.removesuffix('.toml')}.toml"
        if path.parent == Path() and candidate.is_file():
            return candidate
    shipped = sorted({p.stem for folder in folders for p in folder.glob("*.toml")})
    raise InputError(f"no settings file {str(name)!r}; recipes that ship: {', '.join(shipped)}")


def load_recipe(name: str | Path, verb: str, kind: type[S]) -> S:
    """Read the table of `verb` (such as ``"train gan"``) from a TOML recipe into `kind`."""
    path, table = recipe_table(name, verb)
    hints = get_type_hints(kind)
    for key, value in table.items():
        hint = hints.get(key.replace("-", "_"), Any)
        if not _fits(value, hint):
            raise SettingsError(f"{key} (={value!r}) in {path} must be {_in_words(hint)}")
    return settings_from_dict(kind, table, where=str(path))


def recipe_table(name: str | Path, verb: str) -> tuple[Path, Mapping[str, Any]]:
    """Return the path of a TOML recipe, and its table for a verb.

    Raises
    ------
    InputError
        If there is no such recipe, it is no TOML, or has no table for the verb.
    """
    path = recipe_path(name)
    try:
        table: Any = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}") from error
    tables = ", ".join(f"[{known}]" for known in _tables(table)) or "none"
    for part in verb.split():
        table = table.get(part)
        if not isinstance(table, dict):
            wanted = verb.replace(" ", ".")
            raise InputError(f"{path} has no table [{wanted}]; its tables are: {tables}")
    return path, table


def _tables(table: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """Yield the names of the tables that hold a value."""
    for name, value in table.items():
        if isinstance(value, dict):
            if any(not isinstance(inner, dict) for inner in value.values()):
                yield f"{before}{name}"
            yield from _tables(value, f"{before}{name}.")


def _fits(value: Any, hint: Any) -> bool:
    """Tell whether a value from TOML can be a field of a type: lists stand for tuples."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return value in parts
    if origin in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is tuple:
        return isinstance(value, list) and all(_fits(item, parts[0]) for item in value)
    if hint in (int, float):
        number = isinstance(value, int if hint is int else int | float)
        return number and not isinstance(value, bool)
    if hint is Path:
        return isinstance(value, str)
    return isinstance(value, hint) if isinstance(hint, type) else True


def _in_words(hint: Any) -> str:
    """Say what a type of a field asks of a value in TOML."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " or ".join(map(repr, parts))
    if origin in (Union, UnionType):
        return " or ".join(_in_words(part) for part in parts if part is not NoneType)
    if origin is tuple:
        return f"a list of {_in_words(parts[0])}"
    words = {int: "a whole number", float: "a number", bool: "true or false"}
    return words.get(hint, "a text in quotes")


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value
