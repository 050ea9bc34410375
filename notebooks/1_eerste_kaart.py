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
# # Eerste kaart in vijf minuten
#
# Waar past woningbouw, als water en bodem sturen? Dit notebook werkt op een **verzonnen** voorbeeldgebied van 2 bij 2 km.
# Onderaan staat hoe u overstapt op uw eigen gegevens. U hoeft niet te programmeren: klik in een vak en druk op
# Shift + Enter.

# %%
import waterbodem as wb

lagen = wb.example()
plannen = wb.example_plans()

# %% [markdown]
# ## Welke lagen zijn er?
# Vijf basislagen en een paar extra, waaronder het huidige gebruik. Grijs is onbekend; onbekend wordt nooit groen.

# %%
from waterbodem.views.figures.maps import plot_layers

plot_layers(lagen, ["zettingsgevoeligheid", "wateroverlast", "droogte", "keileemdiepte", "kwel", "ghg"])

# %% [markdown]
# ## Past woningbouw op deze plannen?
# De last voor anderen is het verschil met het gebruik van nu: laag `gebruik`. Heeft u die niet, dan wordt grasland aangenomen, en dat staat erbij.

# %%
antwoord = wb.assess(lagen, "woningbouw", plannen)
antwoord

# %%
antwoord.plot()

# %% [markdown]
# ## Waarom deze cel?
# Waarde, score, gewicht en verlies per criterium, met bron. De verliezen en de score tellen op tot 1.

# %%
antwoord.waarom(x=239012, y=553480)

# %% [markdown]
# ## Een andere functie op dezelfde plek
# De lijst van functies, en dezelfde vraag voor natte natuur.

# %%
wb.functies()

# %%
wb.assess(lagen, ["woningbouw", "natte_natuur", "waterberging"], plannen).table[
    ["gebied", "functie", "antwoord", "score", "bepalend", "risico", "oorzaak"]
]

# %% [markdown]
# ## Met uw eigen gegevens
# 1. `waterbodem init mijn-gebied` maakt een lagen.toml met uitleg; zet uw rasters ernaast en vul de paden in.
# 2. `waterbodem check mijn-gebied/lagen.toml` noemt wat er mis is.
# 3. Vervang hierboven twee regels:
#
# ```python
# lagen = wb.open_layers("mijn-gebied/lagen.toml")
# plannen = "plannen.gpkg"
# ```
