"""Maps of a finished run as one lazy dataset, and as a Zarr store for cluster work."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from waterbodem.core import dataset
from waterbodem.core.chunks import chunked, chunks_of
from waterbodem.core.dataset import with_fill
from waterbodem.core.destination import destination
from waterbodem.core.errors import ArgumentError, GridMismatch
from waterbodem.core.files import replacing_folder
from waterbodem.core.grid import Grid
from waterbodem.core.path_gate import local_file
from waterbodem.definitions.flags import flags_of
from waterbodem.definitions.legends import nodata
from waterbodem.engine.burden import LABELS
from waterbodem.engine.scoring import VARIABLES
from waterbodem.formats.foreign.side_files import check_side_files
from waterbodem.formats.output_names import MAPS, PROVENANCE, SHARES
from waterbodem.layers.raster import Block, RasterFile, open_raster

#: Whole tiles and blocks of the files.
CHUNKS = {"y": 2048, "x": 2048}


def open_run(folder: str | Path, *, chunks: Any = None) -> xr.Dataset:
    """Open the maps of a finished run as lazy arrays; needs the extra ``dask``.

    Parameters
    ----------
    folder : str or Path
        The output of ``waterbodem run``, or of ``assess --output``.
    chunks : mapping of y and x to a number of cells, optional
        Default 2048 x 2048.

    Returns
    -------
    xr.Dataset
        On (functie, y, x), where a scenario's maps are called ``functie@scenario``: geschiktheid, dekking and risico
        from 0 to 1 in hundredths, as :func:`waterbodem.geschiktheid` gives them, but float64, which is how xarray
        decodes what is stored as a byte and a scale; NaN = unknown or not asked;
        klasse, bepalend and oorzaak uint8, 255 = not asked or none, named by the attribute ``flag_meanings`` where all
        functies mean the same by a code. Maps that the run did not ask for are not in it.

    Raises
    ------
    ArgumentError
        If there is no finished run.
    WaterbodemError
        If a map is not there or not whole.
    """
    root = Path(folder)
    told = _told(root)
    outputs = told["uitvoer"]
    names = list(dict.fromkeys(n.partition("/")[0] for n in outputs if "/" in n and n.endswith(".tif")))
    maps = [m for m in MAPS if names and all(f"{n}/{m}.tif" in outputs for n in names)]
    if not maps:
        raise ArgumentError("run has no maps", value=root.name, where=PROVENANCE)
    size = chunks_of(CHUNKS if chunks is None else chunks)
    first = _file(root, f"{names[0]}/{maps[0]}.tif")
    data = {m: _variable(root, m, names, outputs, first.grid, size) for m in maps}
    attrs = {"definities": told["definities"], "herkomst": json.dumps(told, ensure_ascii=False)}
    coords = {"functie": ("functie", names), **dataset.coordinates(first.grid)}
    decoded = xr.decode_cf(xr.Dataset(data, coords=coords, attrs=attrs), decode_coords=False)
    return with_fill(decoded, nodata())


def write_zarr(folder: str | Path, path: str | Path, *, chunks: Any = None) -> Path:
    """Write the maps of a finished run to a Zarr store, chunk by chunk; a Dask client that is current does the work.

    The store gets its name when it is complete, consolidated and on disk. Every map is stored as bytes;
    ``xr.open_zarr(path)`` gives what :func:`open_run` gives.

    Parameters
    ----------
    folder, chunks
        As in :func:`open_run`.
    path : str or Path
        A new folder, usually ``<name>.zarr``.

    Returns
    -------
    Path
        Of the store.

    Raises
    ------
    ArgumentError
        If there is no finished run, or the store is there already.
    UnsafePath
        If no folder of this machine can have the name of the store.
    OutOfSpace
        If the disk is full.
    """
    store = destination(path)
    data = open_run(folder, chunks=chunks)
    for name in data.data_vars.keys() - set(SHARES):
        del data[name].attrs["_FillValue"]  # whoever opens the store would get codes as floats
    with replacing_folder(store.absolute()) as temp:
        data.to_zarr(temp, mode="w-", consolidated=True, zarr_format=2)
    return store


def _told(root: Path) -> Mapping[str, Any]:
    path = root / PROVENANCE
    try:
        told: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {"definities": told["definities"], "uitvoer": dict(told["uitvoer"]), **told}
    except (OSError, ValueError, KeyError, TypeError):
        raise ArgumentError("no finished run here", value=root.name, allowed=f"a folder with {PROVENANCE}") from None


def _file(root: Path, name: str) -> RasterFile:
    path = local_file(name, root, where=PROVENANCE)
    check_side_files(path, (root,), PROVENANCE)
    return open_raster(path, name, 1, None, name)


def _variable(
    root: Path, name: str, variants: list[str], outputs: Mapping[str, Any], grid: Grid, size: Any
) -> tuple[Any, ...]:
    import dask.array as da

    arrays = []
    for variant in variants:
        file = _file(root, f"{variant}/{name}.tif")
        if file.grid != grid or file.dtype != "uint8":
            raise GridMismatch("maps of a run differ in grid", value=str(file.grid.shape), where=file.name)
        mark = f"{variant}-{name}-{outputs[file.name]['sha256'][:32]}"
        arrays.append(chunked(partial(_read, file), grid, size, mark, "uint8"))
    attrs = _share_attrs(name) if name in SHARES else _code_attrs(root, name, variants)
    return ("functie", "y", "x"), da.stack(arrays), {**attrs, **dataset.grid_mapping(grid.crs)}


def _read(file: RasterFile, window: Grid) -> NDArray[Any]:
    row, col = file.grid.offset(window)
    with file.opened(file.name) as handle:
        raw, _ = file.read(handle, Block(row, col, window.rows, window.cols), file.name)
    return raw


def _share_attrs(name: str) -> dict[str, Any]:
    return {
        "units": "1",
        "long_name": _label(name),
        "_FillValue": np.uint8(nodata()),
        "scale_factor": 0.01,
    }


def _code_attrs(root: Path, name: str, variants: list[str]) -> dict[str, Any]:
    """Return CF flags where the codes mean the same in every variant."""
    found = {_meanings(root / v / f"{name}.tif.aux.xml") for v in variants}
    common = found.pop() if len(found) == 1 else ()
    return {"long_name": _label(name), **(flags_of(name, common) if any(common) else {})}


def _label(name: str) -> str:
    return VARIABLES[name][1] if name in VARIABLES else LABELS[name]


def _meanings(path: Path) -> tuple[str, ...]:
    """Return the names of the codes as the file beside a map tells them."""
    try:
        return tuple(node.text or "" for node in Xml.parse(path).getroot().iter("Category"))
    except (OSError, Xml.ParseError):
        return ()
