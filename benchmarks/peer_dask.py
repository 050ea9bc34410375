"""xarray + dask: layers opened in chunks with rioxarray, numpy by ``apply_ufunc``, written by chunk, one compute."""

from __future__ import annotations

import threading

import dask
import floor
import peer_rules as pr
import rioxarray
import xarray as xr

CHUNK = 1024


def opened(source: object) -> dict[str, xr.DataArray]:
    """Lazy layers; every thread has its own file handle."""
    chunks = {"band": 1, "x": CHUNK, "y": CHUNK}
    return {
        p.stem: rioxarray.open_rasterio(p, chunks=chunks, lock=False).squeeze("band", drop=True)
        for p in pr.files(source)
    }


def scored(layers: dict[str, xr.DataArray], functie: pr.Rules) -> tuple[xr.DataArray, ...]:
    def block(*arrays: object) -> tuple[object, ...]:
        return pr.maps(dict(zip(layers, arrays, strict=True)), functie)

    return xr.apply_ufunc(
        block,
        *layers.values(),
        output_core_dims=[[]] * len(pr.MAPS),
        dask="parallelized",
        output_dtypes=["uint8"] * len(pr.MAPS),
    )


def write(maps: dict[str, xr.DataArray], target: object, threads: int) -> None:
    """Write lazy maps by chunk in one compute, then as COGs."""
    stores = []
    for name, values in maps.items():
        path = floor.plain(target, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        tiles = {"tiled": True, "blockxsize": floor.TILE, "blockysize": floor.TILE, "lock": threading.Lock()}
        stores.append(values.rio.write_nodata(pr.NODATA).rio.to_raster(path, compute=False, dtype="uint8", **tiles))
    dask.compute(*stores, scheduler="threads", num_workers=threads)
    floor.cogs({name: floor.plain(target, name) for name in maps}, target, threads)


def main() -> None:
    source, target, threads = pr.task()
    rules, layers = pr.load(source), opened(source)
    found = [values for functie in rules for values in scored(layers, functie)]
    write(dict(zip(pr.names(rules), found, strict=True)), target, threads)


if __name__ == "__main__":
    main()
