"""The plan of an ingest: every file's place in the catalog, and the tasks that bring it there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from parhelion.catalog._archive import Member, list_members, opens_as_archive, unpack
from parhelion.catalog._bands import BandSet, band_sets
from parhelion.catalog._settings import IngestSettings
from parhelion.catalog._take import Refused, Task
from parhelion.catalog._walk import (
    Found,
    Names,
    common_folder,
    label_of,
    printable,
    safe,
    stem_of,
    walk,
)

#: Folder of the images, in the catalog.
IMAGES = "images"


@dataclass
class Plan:
    """What to take in, in order, and what cannot be."""

    units: list["Unit"] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many files there are to take in."""
        return sum(len(unit.files) for unit in self.units)


@dataclass
class Unit:
    """The files of one source, the place of each in the catalog, and which are bands."""

    archive: Path | None
    files: list[Found]
    targets: list[str]
    fields: list[tuple[BandSet, str]]


def make_plan(paths: Sequence[Path]) -> Plan:
    """List everything that the sources hold, and give every file its place in the catalog."""
    plan, names = Plan(), Names()
    for path in paths:
        name = printable(path.name or path.resolve().name)
        if path.is_dir():
            _add(plan, None, list(walk(path)), names)
        elif opens_as_archive(path):
            members, damage = list_members(path)
            below = common_folder([member.name for member in members])
            found = [_found(member, name, printable(str(path)), below) for member in members]
            _add(plan, path, found, names)
            if damage is not None:
                plan.refused.append(Refused(name, printable(str(path)), damage))
            elif not members:
                plan.refused.append(Refused(name, printable(str(path)), "an empty archive"))
        else:
            _add(plan, None, [Found(name, printable(str(path)), str(path))], names)
    return plan


def _found(member: Member, archive: str, path: str, below: str | None) -> Found:
    name, label = printable(member.name), label_of(member.name, below=below)
    return Found(
        f"{archive}/{name}",
        f"{path}/{name}",
        member.name,
        printable(label) if label else None,
        member.reason,
    )


def _add(plan: Plan, archive: Path | None, files: list[Found], names: Names) -> None:
    plan.refused += [Refused(f.source, f.path, f.reason) for f in files if f.reason is not None]
    if archive is None:
        files = [file for file in files if file.reason is None]
    targets = [_target(names, file.label, stem_of(file.source)) for file in files]
    fields = []
    for found in band_sets([file.source if file.reason is None else "" for file in files]):
        label = files[found.color[0]].label
        fields.append((found, _target(names, label, stem_of(found.name))))
    plan.units.append(Unit(archive, files, targets, fields))


def _target(names: Names, label: str | None, stem: str) -> str:
    folder = safe(label) if label else "_"
    return f"{IMAGES}/{folder}/{names.unique(folder, stem)}"


def make_tasks(
    plan: Plan, spool: Path, settings: IngestSettings, refused: list[Refused]
) -> Iterator[Task]:
    """Yield the tasks in order, unpacking archives as they are asked for."""
    for number, unit in enumerate(plan.units):
        fields = {
            index: entry for entry in unit.fields for index in entry[0].color + entry[0].others
        }
        waiting: dict[int, str] = {}
        for index, file, reason in _unpacked(unit, spool / str(number), settings):
            found = unit.files[index]
            if reason is not None:
                refused.append(Refused(found.source, found.path, reason))
            else:
                waiting[index] = file
            bands, target = fields.get(index, (None, ""))
            color = bands.color if bands is not None and settings.bands == "auto" else ()
            if index not in color:
                if index in waiting:
                    yield _task(unit, (index,), waiting, unit.targets[index], target)
            elif index == max(color):
                # The last of the bands: they go together if all are there.
                there = tuple(band for band in color if band in waiting)
                if len(there) == len(color):
                    yield _task(unit, there, waiting, target, target)
                else:
                    for band in there:
                        yield _task(unit, (band,), waiting, unit.targets[band], target)


def _task(
    unit: Unit, indices: tuple[int, ...], waiting: dict[int, str], target: str, field: str
) -> Task:
    files = [unit.files[index] for index in indices]
    return Task(
        files=tuple(waiting.pop(index) for index in indices),
        sources=tuple(file.source for file in files),
        paths=tuple(file.path for file in files),
        label=files[0].label,
        target=target,
        singles=tuple(unit.targets[index] for index in indices),
        field=field,
        temporary=unit.archive is not None,
    )


def _unpacked(
    unit: Unit, spool: Path, settings: IngestSettings
) -> Iterator[tuple[int, str, str | None]]:
    """Yield the index of each file, where it can be read, and the reason if it cannot."""
    if unit.archive is None:
        for index, found in enumerate(unit.files):
            yield index, found.file, None
        return
    spool.mkdir()
    members = [Member(found.file, found.reason) for found in unit.files]
    for index, result in unpack(unit.archive, members, spool, settings.pixel_limit):
        yield index, str(result), result if isinstance(result, str) else None
