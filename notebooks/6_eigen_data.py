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
# # Eigen data erbij
#
# U heeft rasters; dit programma wil weten wat erin staat: welke laag, welke eenheid, welk teken. Dat schrijft u een keer op in `lagen.toml`.
# We oefenen met de **verzonnen** bestanden uit `rasters/voorbeeld`.

# %%
from pathlib import Path

import waterbodem as wb

map_ = next(
    p / "rasters" / "voorbeeld" for p in [Path.cwd(), *Path.cwd().parents] if (p / "rasters" / "voorbeeld").is_dir()
)
print("\n".join((map_ / "lagen.toml").read_text(encoding="utf-8").splitlines()[:32]))

# %% [markdown]
# **Wat ziet u?** Per laag een bestand, een eenheid en een bron. `sign` zegt wat positief betekent: kwel omhoog of omlaag is het verschil tussen
# nat en droog. `absent` is *geen keileem*; `nodata` is *onbekend*. Dat is niet hetzelfde.

# %% [markdown]
# ## Openen: alles wordt gecontroleerd en omgerekend

# %%
lagen = wb.open_layers(map_ / "lagen.toml")
from waterbodem.views.figures.maps import plot_layers

plot_layers(lagen, ["wateroverlast", "ghg", "keileemdiepte", "kwel"])

# %% [markdown]
# ## Wat als er iets niet klopt?
# We vergeten met opzet de eenheid van wateroverlast te noemen: in het bestand staan centimeters.

# %%
import shutil
import tempfile

kopie = Path(tempfile.mkdtemp()) / "proef"
shutil.copytree(map_, kopie)
tekst = (kopie / "lagen.toml").read_text(encoding="utf-8")
(kopie / "lagen.toml").write_text(tekst.replace('unit = "cm"', 'unit = "m"', 1), encoding="utf-8")
try:
    wb.open_layers(kopie / "lagen.toml")
except wb.WaterbodemError as fout:
    print(str(fout).replace(str(kopie), "proef"))

# %% [markdown]
# Een waarde die niet kan is een fout, geen kaart. De melding raadt waar het aan ligt.

# %% [markdown]
# ## Wat als u een laag niet heeft?
# Weglaten mag. De laag is dan *onbekend*, de dekking daalt, en onbekend wordt nooit groen.

# %%
plannen = map_ / "plannen.geojson"
alles = wb.per_gebied(lagen, "woningbouw", plannen)
minder = wb.per_gebied(lagen.drop_vars(["zettingsgevoeligheid", "keileemdiepte"]), "woningbouw", plannen)
alles[["gebied", "antwoord", "dekking"]].assign(zonder_twee_lagen=minder.antwoord, dekking_zonder=minder.dekking).round(
    2
)

# %% [markdown]
# **Wat mag u concluderen?** Welke laag het eerst gemeten moet worden. **Wat niet?** Dat een plek zonder gegevens geschikt is.

# %% [markdown]
# ## Nu uw eigen map
#
# ```console
# waterbodem init mijn-gebied
# waterbodem check mijn-gebied/lagen.toml
# ```
#
# ```python
# lagen = wb.open_layers("mijn-gebied/lagen.toml")
# ```
