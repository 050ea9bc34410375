"""The lagen.toml to start from: every layer there is, commented out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from waterbodem.core.destination import destination
from waterbodem.core.errors import ArgumentError
from waterbodem.core.files import staging
from waterbodem.definitions import registry
from waterbodem.definitions.data_files import read_toml
from waterbodem.definitions.models import LayerKind
from waterbodem.layers.catalogue import FILE_NAME


@cache
def _texts() -> Mapping[str, Any]:
    return MappingProxyType(read_toml(files("waterbodem.data").joinpath("teksten", "lagen_sjabloon.toml")))


def catalogue_template() -> str:
    """Return a lagen.toml in Dutch: valid TOML with every layer commented out.

    Examples
    --------
    >>> catalogue_template().count("# [layers.")
    18
    """
    kinds = registry.layer_kinds().values()
    basic = [_table(kind) for kind in kinds if kind.basis]
    others = [_table(kind) for kind in kinds if not kind.basis]
    texts = _texts()
    return "\n".join([str(texts["kop"]), texts["basis"], "", *basic, texts["rest"], "", *others])


def _table(kind: LayerKind) -> str:
    """Return the commented table of one layer."""
    low, high = kind.range
    about = f"## {kind.naam}: {kind.grootheid} [{kind.unit}], {kind.richting}; tussen {low:g} en {high:g}"
    known = registry.layer_codes(kind)
    codes = ["## " + ", ".join(f"{code} = {name}" for code, name in known.items())] if known else []
    keys = [f"[layers.{kind.id}]", f'path = "{kind.id}.tif"', f'unit = "{kind.unit}"', *_special(kind)]
    keys += [_texts()["bron"], _texts()["jaar"]]
    return "\n".join([about, *codes, *(f"# {key}" for key in keys), ""])


def _special(kind: LayerKind) -> list[str]:
    texts, signs = _texts(), kind.teken
    first = next(iter(signs), "")
    sign = [texts["teken"].format(eerste=first, uitleg=texts["tekens"][first])] if signs else []
    absent = [texts["afwezig"]] if kind.may_be_absent else []
    return [*sign, *absent, *([texts["functies"]] if kind.codes_van else [])]


def write_template(folder: str | Path) -> Path:
    """Write the template as lagen.toml in a folder, which is made if needed.

    Raises
    ------
    ArgumentError
        If there is one already.
    """
    path = destination(folder, "folder") / FILE_NAME
    if path.exists():
        raise ArgumentError("file exists already, and is not overwritten", where=str(path))
    with staging() as stage:
        stage.folder(path.parent)
        stage.file(path).write_bytes(catalogue_template().encode("utf-8"))
    return path
