"""Libraries that take longer to load than a small answer takes to compute: loaded at their first use, not before."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = ["gpd", "h5py", "pd", "pyogrio", "xr"]


class LazyModule:
    """A library, under the name it is imported by; safe to use from several threads.

    Examples
    --------
    >>> LazyModule("math").sqrt(4.0)
    2.0
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)


if TYPE_CHECKING:
    import geopandas as gpd
    import h5py
    import pandas as pd
    import pyogrio
    import xarray as xr
else:
    gpd, pd, pyogrio, xr = LazyModule("geopandas"), LazyModule("pandas"), LazyModule("pyogrio"), LazyModule("xarray")
    h5py = LazyModule("h5py")
