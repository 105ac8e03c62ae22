"""Flags that several verbs share."""

from typing import Annotated

from cyclopts import Parameter

#: Print one JSON object instead of text.
Json = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON object.")]

#: Settings from a TOML recipe; read by the program before the verb is parsed.
Config = Annotated[
    str | None,
    Parameter(
        name="--config",
        help="TOML recipe that fills the flags: a path, or the name of one that ships. "
        "Flags on the command line win.",
    ),
]

#: The fields of a settings dataclass are flags of the verb.
Flat = Parameter(name="*")
