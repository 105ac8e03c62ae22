"""The program: its verbs, ``--config``, and errors as one line with an exit code."""

import json
import logging
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cyclopts import App, CycloptsError
from cyclopts.config import Toml

from parhelion._settings import recipe_path, recipe_table
from parhelion._version import __version__
from parhelion.errors import InputError, ParhelionError

if TYPE_CHECKING:
    from parhelion.catalog import Catalog

_VERBS = (
    "demo",
    "ingest",
    "cutouts",
    "screen",
    "split",
    "train gan",
    "train diffusion",
    "train lora",
    "train detector",
    "train classifier",
    "train upscaler",
    "generate",
    "vary",
    "enhance",
    "augment",
    "mix",
    "interpolate",
    "sheet",
    "widefield",
    "region",
    "measure generator",
    "measure memorisation",
    "measure field",
    "measure detector",
    "measure classifier",
    "measure upscaler",
    "calibrate",
    "detect",
    "inspect",
    "reproduce gan-universe",
    "reproduce astrospy",
    "reproduce flare",
    "report",
)

_EPILOGUE = """
Examples:

    parhelion demo
    parhelion ingest photographs/ survey.zip image.fits --out catalog
    parhelion train gan --data catalog --config demo-64 --out run
    parhelion generate --model run --count 64 --seed 7 --out made

`parhelion VERB --help` has more. Exit codes: 0 done, 1 the work failed, 2 bad usage or input.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code: 0, 1 or 2."""
    logging.basicConfig(format="parhelion: %(message)s", level=logging.WARNING)
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    try:
        recipe = _take_recipe(tokens)
        if recipe is not None:
            _check_recipe(recipe, tokens)
        app = _app(recipe)
        if not tokens or {"--help", "-h"} & set(tokens):
            _load_verbs(app)
        app(tokens, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        return _fail(" ".join(str(error).split()), 2)
    except ParhelionError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted", 1)
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone: nobody is left to tell
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}", 1)
    return 0


def emit(value: dict[str, Any], *, as_json: bool, text: str) -> None:
    """Print a result: one JSON object, or `text` for a person."""
    print(json.dumps(value, default=str) if as_json else text)


def emit_catalog(catalog: "Catalog", *, as_json: bool) -> None:
    """Print where a catalog that was just written lies and what became of its files."""
    import pyarrow.parquet as pq

    rejected = pq.read_table(catalog.root / "rejected.parquet").num_rows
    emit(
        {"catalog": str(catalog.root), "images": len(catalog), "rejected": rejected},
        as_json=as_json,
        text=f"{catalog.root}: {len(catalog)} images, {rejected} files rejected",
    )


def _app(recipe: str | None) -> App:
    app = App(
        name="parhelion",
        help="Make mock skies, and tell them from real ones.",
        help_epilogue=_EPILOGUE,
        help_format="markdown",
        version=__version__,
        config=Toml(recipe_path(recipe), must_exist=True) if recipe else None,
        result_action="return_value",
    )
    train = App(
        name="train",
        help="Train a generator, a detector, a classifier or an upscaler.",
        help_epilogue="",
    )
    measure = App(
        name="measure", help="Measure a generator, a wide view or a detector.", help_epilogue=""
    )
    reproduce = App(name="reproduce", help="Do a paper's experiments again.", help_epilogue="")
    groups = {"train": train, "measure": measure, "reproduce": reproduce}
    for verb in _VERBS:
        group, _, name = verb.rpartition(" ")
        module = f"parhelion.cli._{group or name}"
        # The epilogue is the program's own; without this every verb would repeat it.
        groups.get(group, app).command(
            f"{module}:{name.replace('-', '_')}", name=name, help_epilogue=""
        )
        if group and group not in app:
            app.command(groups[group])
    return app


def _load_verbs(app: App) -> None:
    """Import the verbs, which are lazy, so that the list of them has their first sentences."""
    for verb in _VERBS:
        place = app
        for part in verb.split():
            place = place[part]


def _take_recipe(tokens: list[str]) -> str | None:
    """Remove ``--config NAME`` from the tokens: it fills the flags, so it must be read first."""
    end = tokens.index("--") if "--" in tokens else len(tokens)
    places = [
        place
        for place, token in enumerate(tokens[:end])
        if token == "--config" or token.startswith("--config=")
    ]
    if not places:
        return None
    place = places[0]
    _, is_joined, name = tokens[place].partition("=")
    if not is_joined:
        if place + 1 == end:
            raise InputError("--config needs a TOML file or the name of a recipe that ships")
        name = tokens[place + 1]
    if len(places) > 1:
        raise InputError(f"--config (={name}) is given twice; one recipe fills the flags")
    del tokens[place : place + (1 if is_joined else 2)]
    return name


def _check_recipe(name: str, tokens: Sequence[str]) -> None:
    """Raise `InputError` unless a recipe is for the verb: flags would keep their defaults."""
    for verb in (" ".join(tokens[:2]), *tokens[:1]):
        if verb in _VERBS:
            recipe_table(name, verb)


def _fail(message: str, code: int) -> int:
    print(f"parhelion: error: {message}", file=sys.stderr)
    return code
