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
# # Afwenteling: wie krijgt het?
#
# Een plan kan goed liggen en toch anderen belasten: water dat stroomafwaarts gaat, grondwater dat bij de buren daalt, bodem die later zakt.
# Het gebied is **verzonnen**.

# %%
import waterbodem as wb

lagen = wb.example()
plannen = wb.example_plans()

# %% [markdown]
# ## Welke last ontstaat er?
# Altijd het verschil met het gebruik van nu: hier laag `gebruik` van het verzonnen gebied. Zonder die laag wordt grasland *aangenomen*, en dat staat overal
# bij. Waar woningbouw al ligt is alles 0. Positief is een last, negatief ontlast.

# %%
last = wb.afwenteling(lagen, "woningbouw")
onderdelen = [
    n for n in last.data_vars if n not in ("ruimte", "tijd", "geld", "risico", "oorzaak", "risico_zonder_compensatie")
]
gemiddeld = last[onderdelen].mean().to_pandas().round(2).to_frame("gemiddeld")
gemiddeld.assign(eenheid=[last[n].attrs["units"] for n in onderdelen])

# %% [markdown]
# ## Waar?
# Het risico is de grootste van ruimte, tijd en geld, van 0 tot 1. Een winst in de ene richting betaalt een last in een andere niet af.

# %%
antwoord = wb.assess(lagen, ["woningbouw", "natte_natuur"], plannen)
antwoord.plot(functie="woningbouw")

# %%
antwoord.table[
    ["gebied", "functie", "risico", "oorzaak", "afvoer_m3", "verdrongen_berging_m3", "aandeel_risico_hoog"]
].round(2)

# %% [markdown]
# **Wat ziet u?** Wonen legt water bij anderen neer; natte natuur neemt water op (negatief), maar maakt ook buren natter: dat staat naast het risico, niet erin. **Let op** `aandeel_risico_hoog`: een gemiddelde
# verbergt brandhaarden.

# %% [markdown]
# ## Wie ontvangt het?
# Met een hoogtekaart volgt het water de helling. *Plan Beekdal* laat los; als ontvangers nemen we het (verzonnen) beekdal in het noorden en een buurt in het oosten. Voor echt neemt
# u gemeenten, waterschappen of natuurgebieden.

# %%
import geopandas as gpd
from shapely.geometry import box

stukken = [box(238600, 554080, 239100, 554500), box(238910, 553700, 239500, 554080)]
ontvangers = gpd.GeoDataFrame({"naam": ["Beekdal noord", "Buurt oost"]}, geometry=stukken, crs="EPSG:28992")
boek = wb.grootboek(lagen, "woningbouw", plannen[plannen.naam == "Plan Beekdal"], ontvangers)
boek

# %% [markdown]
# De regels tellen samen op tot wat het plan loslaat; wat de kaart verlaat staat er als eigen regel. Er verdwijnt niets. Hieronder
# hetzelfde op de kaart, voor alle plannen: waar het water blijft, en langs welke weg.

# %%
antwoord.plot_receivers("woningbouw")

# %% [markdown]
# ## Voordat er een plan is
# Waar zou woningbouw iemand benedenstrooms belasten? Donker is: veel water, en kwetsbare plekken eronder. Het is een ondergrens: wat in een sloot eindigt of
# de kaart verlaat is niet te volgen. Grijs: meer dan 80 % van het water is niet te volgen. Dat is iets anders dan geen last.

# %%
import matplotlib.pyplot as plt

kaart = wb.benedenstrooms(lagen, "woningbouw")
tekening, vak = plt.subplots(figsize=(5, 4), layout="constrained")
vak.set_facecolor("lightgrey")
kaart.benedenstrooms.plot(ax=vak, cmap="YlOrBr", vmin=0, cbar_kwargs={"label": "0 = geen, 1 = hoogst"})
vak.set(title="Last benedenstrooms (verzonnen gebied)", xlabel="", ylabel="", xticks=[], yticks=[], aspect="equal")
plt.show()

# %% [markdown]
# **Wat mag u concluderen?** In welke richting de last gaat en hoeveel het ongeveer is. **Wat niet?** Peilen, stuwen en riolen zitten er niet in;
# dat vraagt een model. Kubieke meters zijn een orde van grootte, geen eis. Zonder hoogtekaart staat er *niet bepaald*.

# %% [markdown]
# ## Met uw eigen gegevens
#
# ```python
# lagen = wb.open_layers("mijn-gebied/lagen.toml")      # met maaiveld en ghg
# wb.grootboek(lagen, "woningbouw", "plan.gpkg", ontvangers="gemeenten.gpkg")
# ```
