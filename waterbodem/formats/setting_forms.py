"""The forms that the value of a setting takes outside: in files, in archives, in keys, in texts, on the command line.

A form per kind of value (``soort`` of instellingen.toml); what a setting itself is, that list tells.
"""

# ruff: noqa: D102 -- what a method of a form gives stands at Form.

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from waterbodem.core.errors import Trial
from waterbodem.core.path_gate import companions, sha256_of
from waterbodem.definitions import registry
from waterbodem.definitions.abstraction import Well
from waterbodem.definitions.boards import Boundaries, board_of, chosen_boards
from waterbodem.definitions.kompas_rules import KompasRules, builtin_rules, load_rules
from waterbodem.definitions.labels import plain_number as number_text
from waterbodem.definitions.labels import reference_name
from waterbodem.definitions.present_use import UseMap, reference_label
from waterbodem.definitions.receiving import BY_SITUATION, ReachTable, chosen_reach
from waterbodem.definitions.setting_list import Setting, all_settings
from waterbodem.definitions.settings import Settings
from waterbodem.definitions.validation import validated
from waterbodem.formats.archive import Packer, Unpacker, plain_data, restored
from waterbodem.formats.archive_form import Array

#: Letters of what an archive, which anyone may have written, tells of a file.
NOTE = 1000


@dataclass(frozen=True)
class Origin:
    """What values that a user typed are found in: the functies that are known, and where relative paths start."""

    functies: registry.Functies
    folder: Path = Path()


class Form:
    """A plain value: a text; other kinds say where they differ."""

    #: What the name of a file of one ends with, where it is not known.
    suffix = "toml"

    def read(self, given: Any, origin: Origin) -> Any:
        """The value of what a user typed."""
        return given

    def file(self, given: Any) -> str | None:
        """The file that what a user typed names, if it does."""
        return None

    def packed(self, value: Any, packer: Packer) -> Any:
        """The value as plain data; arrays go to the packer."""
        return plain_data(value)

    def unpacked(self, told: Any, found: Unpacker, where: str) -> Any:
        """The value of plain data that anyone may have written."""
        if not isinstance(told, str):
            raise found.broken(f"setting {where} is no text", told)
        return told

    def told(self, value: Any) -> Any:
        """The value as herkomst tells it."""
        return plain_data(value)

    def mark(self, value: Any) -> Any:
        """All that the value holds, for keys."""
        return self.told(value)

    def text(self, value: Any, setting: Setting, taal: str) -> str:
        """The value for a reader, without unit."""
        return setting.word(str(value), taal)

    def words(self, value: Any, file: str) -> Sequence[str]:
        """The value on the command line; ``file`` is where it stands, if in one."""
        return [str(value)]


class NumberForm(Form):
    """A number."""

    def unpacked(self, told: Any, found: Unpacker, where: str) -> Any:
        number = restored(told)
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise found.broken(f"setting {where} is no number", told)
        return number

    def text(self, value: Any, setting: Setting, taal: str) -> str:
        return number_text(value, taal)

    def words(self, value: Any, file: str) -> Sequence[str]:
        return [f"{value:.15g}"]


class SwitchForm(Form):
    """Something that is on unless it is turned off."""

    def unpacked(self, told: Any, found: Unpacker, where: str) -> Any:
        if not isinstance(told, bool):
            raise found.broken(f"setting {where} is neither on nor off", told)
        return told

    def text(self, value: Any, setting: Setting, taal: str) -> str:
        return setting.word("aan" if value else "uit", taal)

    def words(self, value: Any, file: str) -> Sequence[str]:
        return []


class UseForm(Form):
    """A functie, or a raster of their codes in a file; the name of a file has an ending, an id of a functie none."""

    suffix = "tif"

    def read(self, given: Any, origin: Origin) -> Any:
        if self.file(given) is None:
            return origin.functies[given]
        return UseMap(origin.functies, file=origin.folder / given)

    def file(self, given: Any) -> str | None:
        return given if isinstance(given, str) and Path(given).suffix else None

    def packed(self, value: Any, packer: Packer) -> Any:
        if isinstance(value, UseMap):
            return {**packer.array(value.codes), "over": dict(value.told)}
        return value.model_dump(mode="json", exclude_none=True)

    def unpacked(self, told: Any, found: Unpacker, where: str) -> Any:
        if "vorm" not in told:
            return registry.functie_of(told, where, found.text.editie)
        about = {str(name)[:NOTE]: str(text)[:NOTE] for name, text in told.get("over", {}).items()}
        codes = found.array(Array.model_validate({name: value for name, value in told.items() if name != "over"}))
        return UseMap(file=Path(about["bestand"]) if "bestand" in about else None, told=about, codes=codes)

    def told(self, value: Any) -> Any:
        return dict(value.told) if isinstance(value, UseMap) and value.told else reference_label(value)

    def mark(self, value: Any) -> Any:
        return dict(value.told) if isinstance(value, UseMap) else registry.definition_sha256(value)

    def text(self, value: Any, setting: Setting, taal: str) -> str:
        return reference_name(value, (), taal)

    def words(self, value: Any, file: str) -> Sequence[str]:
        return [file] if isinstance(value, UseMap) else [value.id]


class BoardForm(Form):
    """A water board, by its id; or boundaries, by the name of their file."""

    suffix = "gpkg"

    def read(self, given: Any, origin: Origin) -> Any:
        found = chosen_boards(given, origin.folder)
        return board_of(found).id if isinstance(found, str) else found

    def file(self, given: Any) -> str | None:
        return given if isinstance(chosen_boards(given), Boundaries) else None

    def packed(self, value: Any, packer: Packer) -> Any:
        return {"grenzen": value.label} if isinstance(value, Boundaries) else value

    def unpacked(self, told: Any, found: Unpacker, where: str) -> Any:
        if isinstance(told, Mapping) and isinstance(told.get("grenzen"), str):
            return Boundaries(None, told["grenzen"])
        return super().unpacked(told, found, where)

    def told(self, value: Any) -> Any:
        return value.label if isinstance(value, Boundaries) else value

    def mark(self, value: Any) -> Any:
        """Return what holds the boundaries, and their names, by its content."""
        if not isinstance(value, Boundaries):
            return value
        return [sha256_of(path) for path in (value.source, *companions(Path(value.source)))]

    def text(self, value: Any, setting: Setting, taal: str) -> str:
        return value.label if isinstance(value, Boundaries) else board_of(value).naam

    def words(self, value: Any, file: str) -> Sequence[str]:
        return [file] if isinstance(value, Boundaries) else [str(value)]


class ReachForm(NumberForm):
    """A length, the word for the package's table of situations, or a table of one's own."""

    def read(self, given: Any, origin: Origin) -> Any:
        return chosen_reach(given, origin.folder)

    def file(self, given: Any) -> str | None:
        return given if isinstance(given, str) and given != BY_SITUATION else None

    def packed(self, value: Any, packer: Packer) -> Any:
        return value.model_dump(mode="json") if isinstance(value, ReachTable) else plain_data(value)

    def unpacked(self, told: Any, found: Unpacker, where: str) -> Any:
        if isinstance(told, Mapping) and "situaties" in told:
            return validated(ReachTable, told, where)
        return told if told == BY_SITUATION else super().unpacked(told, found, where)

    def told(self, value: Any) -> Any:
        return "eigen tabel" if isinstance(value, ReachTable) else plain_data(value)

    def mark(self, value: Any) -> Any:
        return registry.definition_sha256(value) if isinstance(value, ReachTable) else plain_data(value)

    def text(self, value: Any, setting: Setting, taal: str) -> str:
        if isinstance(value, ReachTable):
            return f"{setting.word('tabel', taal)} {registry.definition_sha256(value)[:8]}"
        return setting.word(value, taal) if isinstance(value, str) else super().text(value, setting, taal)

    def words(self, value: Any, file: str) -> Sequence[str]:
        if isinstance(value, ReachTable):
            return [file]
        return [value] if isinstance(value, str) else super().words(value, file)


class WellForm(Form):
    """An abstraction: three numbers."""

    def read(self, given: Any, origin: Origin) -> Any:
        return Well(*given)

    def packed(self, value: Any, packer: Packer) -> Any:
        return plain_data(asdict(value))

    def unpacked(self, told: Any, found: Unpacker, where: str) -> Any:
        return Well(**restored(told))

    def told(self, value: Any) -> Any:
        return asdict(value)

    def text(self, value: Any, setting: Setting, taal: str) -> str:
        return setting.word("put", taal).format(**{n: number_text(v, taal) for n, v in asdict(value).items()})

    def words(self, value: Any, file: str) -> Sequence[str]:
        return [f"{v:.15g}" for v in asdict(value).values()]


class RulesForm(Form):
    """Rules of the Kompas."""

    def read(self, given: Any, origin: Origin) -> Any:
        return load_rules(origin.folder / given)

    def file(self, given: Any) -> str | None:
        return str(given)

    def packed(self, value: Any, packer: Packer) -> Any:
        return value.model_dump(mode="json")

    def unpacked(self, told: Any, found: Unpacker, where: str) -> Any:
        return validated(KompasRules, told, where)

    def told(self, value: Any) -> Any:
        return {"sha256": registry.definition_sha256(value)}

    def text(self, value: Any, setting: Setting, taal: str) -> str:
        if value == builtin_rules():
            return setting.word("waterbodem", taal)
        return f"{setting.word('eigen', taal)} {registry.definition_sha256(value)[:8]}"

    def words(self, value: Any, file: str) -> Sequence[str]:
        return [file]


FORMS: Mapping[str, Form] = {
    "getal": NumberForm(),
    "schakelaar": SwitchForm(),
    "woord": Form(),
    "functie": UseForm(),
    "norm": BoardForm(),
    "lengte": ReachForm(),
    "put": WellForm(),
    "regels": RulesForm(),
}


def read_settings(given: Mapping[str, Any], origin: Origin) -> Settings:
    """Settings of what a user typed, by id; None = not given.

    Raises
    ------
    WaterbodemError
        All that is wrong, at once.
    """
    trial, found = Trial(), dict[str, Any]()
    for setting in all_settings():
        with trial.step():
            if given.get(setting.id) is not None:
                found[setting.id] = FORMS[setting.soort].read(given[setting.id], origin)
    trial.end()
    return Settings(**found)


def files_of(given: Mapping[str, Any]) -> dict[str, str]:
    """Files that settings name as a user typed them, by id."""
    found = {s.id: FORMS[s.soort].file(given[s.id]) for s in all_settings() if given.get(s.id) is not None}
    return {id_: file for id_, file in found.items() if file is not None}


def packed(settings: Settings, packer: Packer) -> dict[str, Any]:
    """Settings as plain data for an archive, by id; arrays go to the packer."""
    return {s.id: FORMS[s.soort].packed(value, packer) for s, value in _values(settings) if value is not None}


def unpacked(told: Mapping[str, Any], found: Unpacker) -> Settings:
    """Settings from an archive that anyone may have written; one that is not in it has its default.

    Raises
    ------
    WaterbodemError
        If one is unknown, or its value is not usable.
    """
    known = {s.id: s for s in all_settings()}
    strange = told.keys() - known.keys()
    if strange:
        raise found.broken("setting is not known", sorted(strange))
    return Settings(**{id_: FORMS[known[id_].soort].unpacked(value, found, id_) for id_, value in told.items()})


def settings_for_herkomst(settings: Settings, *touching: str) -> dict[str, Any]:
    """Settings as herkomst tells them, by id: all, or those that something depends on."""
    return {
        s.id: None if value is None else FORMS[s.soort].told(value)
        for s, value in _values(settings)
        if not touching or not set(touching).isdisjoint(s.raakt)
    }


def marks(settings: Settings, *touching: str) -> dict[str, Any]:
    """All that something depends on, for its key, by id."""
    return {
        s.id: None if value is None else FORMS[s.soort].mark(value)
        for s, value in _values(settings)
        if not set(touching).isdisjoint(s.raakt)
    }


def setting_facts(settings: Settings, taal: str, files: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    """Name and value of the settings that are not the default, and of those that are always told.

    Parameters
    ----------
    files : mapping of id to str, optional
        Names of the files that values come from, which are told in their place.
    """
    named = files or {}
    return [
        (s.label(taal), named.get(s.id) or f"{FORMS[s.soort].text(value, s, taal)}{_unit(s, value)}")
        for s, value in _values(settings)
        if s.altijd or _is_own(s, value)
    ]


def compared(one: Settings, other: Settings, taal: str) -> dict[str, tuple[str, str]]:
    """Name and both values of every setting of two questions."""
    return {
        f"{s.label(taal)} ({s.eenheid})" if s.eenheid else s.label(taal): (_cell(s, a, taal), _cell(s, b, taal))
        for (s, a), (_, b) in zip(_values(one), _values(other), strict=True)
    }


def setting_options(settings: Settings, files: Mapping[str, str]) -> Iterator[str]:
    """Options and values that give these settings on the command line.

    Parameters
    ----------
    files : mapping of id to str
        Names of the files that values stand in; one that is not told is called after its setting.
    """
    for s, value in _values(settings):
        if _is_own(s, value):
            yield from (s.option, *FORMS[s.soort].words(value, files.get(s.id, f"{s.id}.{FORMS[s.soort].suffix}")))


def _values(settings: Settings) -> list[tuple[Setting, Any]]:
    filled = settings.filled
    return [(s, getattr(filled, s.id)) for s in all_settings()]


def _is_own(setting: Setting, value: Any) -> bool:
    """Tell whether a value is not the default."""
    default = getattr(Settings().filled, setting.id)
    same = value is default or value == default
    return not (isinstance(same, bool) and same)


def _unit(setting: Setting, value: Any) -> str:
    return f" {setting.eenheid}" if setting.eenheid and isinstance(value, (int, float)) else ""


def _cell(setting: Setting, value: Any, taal: str) -> str:
    """The value of a setting in a table; of what is not given the word for that, or a dash."""
    if value is not None:
        return FORMS[setting.soort].text(value, setting, taal)
    return setting.word("geen", taal) if "geen" in setting.woorden else "–"
