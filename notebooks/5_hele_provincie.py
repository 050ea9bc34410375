# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # De hele provincie
#
# Van een plan naar alles: kaarten voor elke cel en elke functie, en een tabel per (verzonnen) gemeente. Hier in het klein, op het **verzonnen** gebied met de
# bestanden uit `rasters/voorbeeld`; dezelfde opdracht rekent heel Drenthe.

# %%
import shutil
import tempfile
from pathlib import Path

import geopandas as gpd
from shapely.geometry import box

import waterbodem as wb

werk = Path(tempfile.mkdtemp())
bron = next(
    p / "rasters" / "voorbeeld" for p in [Path.cwd(), *Path.cwd().parents] if (p / "rasters" / "voorbeeld").is_dir()
)
shutil.copytree(bron, werk / "lagen")
gemeenten = gpd.GeoDataFrame(
    {"naam": ["Gemeente West", "Gemeente Oost"]},
    geometry=[box(238000, 552480, 239000, 554480), box(239000, 552480, 240020, 554480)],
    crs="EPSG:28992",
)
gemeenten.to_file(werk / "gemeenten.gpkg")
sorted(p.name for p in (werk / "lagen").iterdir())

# %% [markdown]
# ## De opdracht is een tekstbestand
# Drie regels zijn genoeg; de rest mag weg.

# %%
(werk / "run.toml").write_text(
    """
layers = "lagen/lagen.toml"
functies = ["woningbouw", "akkerbouw", "natte_natuur", "waterberging"]
output = "uitvoer"

[gebieden]
path = "gemeenten.gpkg"
id = "naam"
""",
    encoding="utf-8",
)
uitkomst = wb.run(werk / "run.toml")
uitkomst.complete

# %% [markdown]
# **Wat gebeurt er?** Elke laag wordt een keer gelezen voor alle functies, in stroken. Valt de stroom uit, dan gaat dezelfde opdracht verder waar hij was.

# %%
sorted(p.relative_to(werk / "uitvoer").as_posix() for p in (werk / "uitvoer").glob("[a-z]*/*.tif"))

# %% [markdown]
# ## Welke functie stelt waar de minste eisen?
# Per cel de functie met het beste antwoord, van deze vier; bij gelijk antwoord die met de minste last voor anderen. Grijs: geen enkele functie is beoordeeld.

# %%
import matplotlib.pyplot as plt
import numpy as np
import rasterio
from matplotlib.colors import ListedColormap

namen = ["woningbouw", "akkerbouw", "natte_natuur", "waterberging"]
lees = lambda n, kaart: rasterio.open(werk / "uitvoer" / n / f"{kaart}.tif").read(1, masked=True)
klasse = np.ma.stack([np.ma.masked_equal(lees(n, "klasse"), 0) for n in namen])  # 1 = A ... 5 = D, 0 = onbekend
last = np.ma.stack([lees(n, "risico") for n in namen]).filled(255)  # een onbekende last telt als de grootste
minste = np.ma.masked_array(
    (klasse.filled(9) * 1000.0 + last).argmin(axis=0), mask=np.ma.getmaskarray(klasse).all(axis=0)
)
kleuren = ["#cc6677", "#ddcc77", "#117733", "#332288"]
tekening, vak = plt.subplots(figsize=(5.5, 4), layout="constrained")
vak.set_facecolor("lightgrey")
vak.imshow(minste, cmap=ListedColormap(kleuren), vmin=-0.5, vmax=3.5)
vak.legend(
    [vak.plot([], [], "s", color=k)[0] for k in kleuren],
    [wb.functies()[n].naam for n in namen],
    loc="upper left",
    bbox_to_anchor=(1, 1),
)
vak.set_title("Minste eisen per cel (verzonnen gebied)", fontsize=9)
vak.set(xticks=[], yticks=[])
plt.show()

# %% [markdown]
# **Wat mag u concluderen?** Welke van deze vier hier het minst van water en bodem vraagt, en het minst op anderen afwentelt. **Wat niet?** Dat het daar het best
# past of ook moet: het beste antwoord kan nog steeds een C zijn, scores van functies zijn niet met elkaar te vergelijken, en er zijn meer belangen dan water en bodem.

# %% [markdown]
# ## De tabel per gebied

# %%
import pandas as pd

tabel = pd.read_csv(werk / "uitvoer" / "gebieden.csv")
tabel.pivot(index="gebied", columns="functie", values="antwoord")

# %%
tabel.pivot(index="functie", columns="gebied", values="ha_D").round(0).astype(int)

# %% [markdown]
# De eerste tabel geeft een antwoord per gemeente, de tweede hoeveel hectare *nee, tenzij* is. Zo groot als een gemeente is een gemiddeld antwoord grof:
# gebruik de hectaren en de kaart.

# %% [markdown]
# ## Met uw eigen provincie
#
# ```console
# waterbodem check run.toml      # wat kost het, en klopt alles?
# waterbodem run run.toml
# ```
#
# In QGIS: sleep de kaarten naar binnen; kleuren en namen komen mee.
