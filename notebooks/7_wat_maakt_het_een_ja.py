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
# # Wat maakt het een ja?
#
# Het antwoord is "ja, mits" of "nee, tenzij". Welke maatregelen dan, wat kosten zij, en wat merken de buren ervan? Het gebied is **verzonnen**.
# Klik in een vak en druk op Shift + Enter.

# %%
import waterbodem as wb

lagen = wb.example()
plannen = wb.example_plans()
antwoord = wb.assess(lagen, "woningbouw", plannen)
antwoord.plot()

# %% [markdown]
# ## Welke maatregelen?
# Alle maatregelen worden gezocht, alleen en met hoogstens drie samen. Getoond worden er hoogstens vijf per plan.

# %%
m = wb.mits(lagen, "woningbouw", plannen)
m

# %% [markdown]
# **Wat ziet u?** Per plan een zin, en de pakketten die de moeite waard zijn: eerst wat het antwoord beter maakt (*voor de plek*), met wat de
# last kleiner maakt (*voor de buren*), daarna wat alleen de buren helpt.
#
# **Wat mag u concluderen?** Wat u de ontwikkelaar kunt vragen, en wat eerst gemeten moet worden ("of dat kan hangt af van ...").
#
# **Wat niet?** Dat het zo mag of zo veel kost: kosten en effecten zijn ramingen (*expertoordeel*), en wat het waterschap of de provincie
# erover zegt staat er niet in.

# %% [markdown]
# ## Wat doet het gebruikelijke ontwerp?
# De tweede rij van elk plan is ophogen met zand. Vaak wordt het antwoord er beter van, en de last voor anderen niet kleiner.

# %%
gebruikelijk = m.table[m.table.maatregelen.isin(["", "standaardontwerp"])]
gebruikelijk[
    ["gebied", "maatregelen", "antwoord_na", "grootste_aandeel_na", "water_m3_ha_na", "investering_hoog"]
].round(2)

# %% [markdown]
# ## Wat merken de buren?
# Water dat buiten het plan terechtkomt (m3) en de grootste daling en stijging van hun grondwater (cm), van de pakketten die getoond worden.

# %%
getoond = m.table[m.table.getoond.notna()]
getoond[
    [
        "gebied",
        "maatregelen",
        "antwoord_na",
        "risico_na",
        "ontvangen_m3_na",
        "verlaging_buren_cm_na",
        "vernatting_buren_cm_na",
    ]
].round(2)

# %% [markdown]
# ## Waar zit de keuze?
# Pakketten die geen ander in antwoord, last en kosten verslaat. Minder last kost meer: die afweging is aan u.

# %%
keuze = m.table[m.table.pareto & (m.table.gebied == "Plan Keileem")].sort_values("investering_hoog")
keuze[
    ["maatregelen", "antwoord_na", "grootste_aandeel_na", "investering_laag", "investering_hoog", "maanden_hoog"]
].round(2).head(12)

# %% [markdown]
# ## Wat kan hier niet, en waarom?

# %%
m.table[(m.table.reden != "") & (m.table.gebied == "Plan Keileem")][["maatregelen", "reden"]].head(8)

# %% [markdown]
# ## Uw eigen gegevens
# ```python
# lagen = wb.open_layers("mijn-gebied/lagen.toml")
# m = wb.mits(lagen, "woningbouw", "mijn-gebied/plannen.gpkg", waterschap="Hunze en Aa's")
# m.table.to_csv("maatregelen.csv", index=False)
# ```
# Eigen maatregelen: `maatregelen="eigen.toml"`; hoe zo'n bestand eruitziet staat bij de maatregelen in de handleiding.
