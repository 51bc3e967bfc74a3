"""`study.toml` and panel files as validated values; an unknown key is refused with the nearest known one."""

from __future__ import annotations

import tomllib
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from decidua.errors import BrokenStudy, UnreadableFile
from decidua.tables import nearest

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
ModelT = TypeVar("ModelT", bound=BaseModel)


class Strict(BaseModel):
    """A block of a TOML file: typed, immutable, no unknown key."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class StudyBlock(Strict):
    """`study = {...}`: identity of the study."""

    schema_: Literal[1] = Field(alias="schema")
    id: Id
    laboratory: Annotated[str, StringConstraints(min_length=1)]
    time_zone: str = "UTC"


class SheetBlock(Strict):
    """`sheet = {...}`: the sample sheet or worklist."""

    file: str = "samples.csv"
    kind: Literal["samples", "worklist"] = "samples"
    files: str = ""


class CountTable(Strict):
    """A `[[counts]]` block: how to read one count table."""

    file: str
    kind: Literal["boolean", "flowjo"]
    row: list[str] = []
    parent: str = ""
    markers: dict[str, str] = {}


class PlateFile(Strict):
    """A `[[plates]]` block: kit and platform of one plate export."""

    file: str
    kit: str = ""
    platform: str = ""
    compatible: Literal["", "xponent", "bioplex"] = ""


class Control(Strict):
    """Earlier runs of one control result, on the log scale."""

    mean: float
    sd: Annotated[float, Field(gt=0)]
    n: Annotated[int, Field(ge=2)]


class StudySettings(Strict):
    """The whole of `study.toml`."""

    study: StudyBlock
    sheet: SheetBlock = SheetBlock()
    panels: dict[Id, str] = {}
    counts: list[CountTable] = []
    plates: list[PlateFile] = []
    controls: dict[str, Control] = {}


def read_toml(path: Path, file: str, model: type[ModelT]) -> ModelT:
    """Read a TOML file into a model.

    Parameters
    ----------
    path : Path
        Where it lies.
    file : str
        How the user names it.
    model : type
        A subclass of `Strict`.

    Returns
    -------
    Strict
        The validated value.

    Raises
    ------
    UnreadableFile
        Where the file is absent.
    BrokenStudy
        Where it is no TOML, or a key is unknown, missing or of another type.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as missing:
        raise UnreadableFile("there is no such file.", file=file, remedy="Add it, or correct the path.") from missing
    except UnicodeDecodeError as broken:
        raise BrokenStudy("not UTF-8 text.", file=file, remedy="Save it as UTF-8.") from broken
    except OSError as failure:
        raise UnreadableFile(f"cannot be read: {failure.strerror}.", file=file) from failure
    except tomllib.TOMLDecodeError as broken:
        raise BrokenStudy(f"not valid TOML: {broken}.", file=file) from broken
    try:
        return model.model_validate(content)
    except ValidationError as invalid:
        raise _explain(invalid, file, model) from invalid


def _explain(invalid: ValidationError, file: str, model: type[BaseModel]) -> BrokenStudy:
    first = invalid.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = _known_keys(model, first["loc"][:-1])
        return BrokenStudy("unknown key.", file=file, place=place, remedy=nearest(str(first["loc"][-1]), known))
    return BrokenStudy(f"{first['msg'][0].lower()}{first['msg'][1:]}.", file=file, place=place)


def _known_keys(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    here: Any = model
    for part in path:
        if isinstance(part, int) or not (isinstance(here, type) and issubclass(here, BaseModel)):
            continue
        found = here.model_fields.get(part)
        arguments = getattr(found.annotation, "__args__", ()) if found else ()
        here = arguments[-1] if arguments else (found.annotation if found else None)
    if isinstance(here, type) and issubclass(here, BaseModel):
        return [f.alias or name for name, f in here.model_fields.items()]
    return []


def inside(folder: Path, name: str, file: str, place: str) -> Path:
    """Resolve a path of the study and keep it inside the folder.

    Parameters
    ----------
    folder : Path
        The study folder.
    name : str
        Relative path with forward slashes.
    file, place : str
        Where the path was written.

    Returns
    -------
    Path
        The resolved path.

    Raises
    ------
    BrokenStudy
        Where the path is absolute or leaves the folder.
    """
    pure = PurePosixPath(name.replace("\\", "/"))
    resolved = (folder / pure).resolve()
    if pure.is_absolute() or ":" in name or not resolved.is_relative_to(folder.resolve()):
        raise BrokenStudy("a path leaves the study folder.", file=file, place=place, remedy="Use a path inside it.")
    return resolved


def zone_of(settings: StudySettings, file: str) -> ZoneInfo:
    """Return the study's time zone.

    Parameters
    ----------
    settings : StudySettings
        The study's settings.
    file : str
        For the error.

    Returns
    -------
    ZoneInfo
        The zone.

    Raises
    ------
    BrokenStudy
        Where no such zone exists.
    """
    try:
        return ZoneInfo(settings.study.time_zone)
    except (ZoneInfoNotFoundError, ValueError) as unknown:
        raise BrokenStudy("no such time zone.", file=file, place="study.time_zone") from unknown
