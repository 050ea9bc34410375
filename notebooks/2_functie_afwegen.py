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
# # Een functie afwegen op een plangebied
#
# Een plan ligt op tafel en de vraag is: past het hier, en wie krijgt er last van? U krijgt een antwoord, de redenen, het Kompas en een
# rapport om mee te nemen. Het gebied is **verzonnen**. Klik in een vak en druk op Shift + Enter.

# %%
import waterbodem as wb

lagen = wb.example()
plannen = wb.example_plans()
antwoord = wb.assess(lagen, ["woningbouw", "natte_natuur"], plannen)
antwoord

# %% [markdown]
# **Wat ziet u?** Een rij per plan en functie: het antwoord van A (ja) tot D (nee, tenzij), wat de score het meest drukt, hoeveel er bekend is
# (dekking), het risico van afwenteling en zes Kompas-tekens.
#
# **Wat mag u concluderen?** Welke plannen om een ander gesprek vragen, en waarover.
#
# **Wat niet?** Dat een A een vergunning is, of een watertoets. Neem een hydroloog van het waterschap mee aan tafel.

# %% [markdown]
# ## Op de kaart

# %%
antwoord.plot()

# %% [markdown]
# Een plan met gemiddeld een ruime voldoende kan toch *nee, tenzij* zijn: kijk of er een rood stuk in ligt. Die hectaren laat u vrij.
#
# Dezelfde kaart om in te schuiven en te klikken, ook zonder internet. Wijs een cel aan voor de reden;
# `antwoord.explore().save("kaart.html")` bewaart haar.

# %%
antwoord.explore()

# %% [markdown]
# ## Hoe zeker is het?
# `antwoord_min` en `antwoord_max`: het antwoord als alles wat onbekend is tegenvalt, of meevalt. Liggen ze ver uiteen, vraag dan eerst gegevens.

# %%
antwoord.table[
    ["gebied", "functie", "antwoord", "antwoord_min", "antwoord_max", "dekking", "ha_D", "aandeel_risico_hoog"]
].round(2)

# %% [markdown]
# ## Het Kompas: plussen en minnen
# Zes beginselen, elk met een getal en een reden. Er is met opzet geen totaal: de afweging is aan u. Hier een plan.

# %%
eerste = plannen.naam[0]
kompas = antwoord.kompas
kompas[kompas.gebied == eerste][["functie", "beginsel", "symbool", "reden"]].style.hide(axis="index")

# %% [markdown]
# ## Is er een betere plek, of een functie die hier minder eist?
# Alle functies naast alle plannen, in woorden: eerst het antwoord, dan de last voor anderen. Scores van verschillende functies zijn niet met elkaar te
# vergelijken.

# %%
wb.compare(lagen, ["woningbouw", "akkerbouw", "natte_natuur", "waterberging"], plannen)

# %% [markdown]
# ## Een maatregel doorrekenen
# Wat als er in het plan 30 mm waterberging komt? Wat het waterschap vraagt geeft u met `waterschap="hunze_en_aas"` (`wb.waterschappen()`): een vuistregel, te
# bevestigen door het waterschap.

# %%
zonder = wb.assess(lagen, "woningbouw", plannen)
met = wb.assess(lagen, "woningbouw", plannen, aangelegde_berging_mm=30)
wb.difference(zonder, met)

# %%
zonder.table[["gebied", "afvoer_m3", "oorzaak"]].assign(
    afvoer_met_berging=met.table.afvoer_m3, oorzaak_met_berging=met.table.oorzaak
).round(0)

# %% [markdown]
# Het antwoord verandert niet: de plek is de plek. De last voor anderen wordt kleiner, maar verdwijnt niet: er komt of blijft een andere oorzaak bovenaan
# staan, zoals regen die het grondwater niet meer aanvult. Een vijver vult het grondwater niet aan.

# %% [markdown]
# ## Het dossier
# Een bestand, zonder internet te openen, met kaarten, redenen, bronnen en wat er niet bekend is. Ctrl + P maakt er een pdf van.

# %%
import tempfile
from pathlib import Path

map_ = Path(tempfile.mkdtemp())
antwoord.report(map_ / "dossier.html").name

# %% [markdown]
# Bewaren en later terughalen gaat met `antwoord.save("antwoord.waterbodem")` en `wb.open_assessment("antwoord.waterbodem")`.

# %% [markdown]
# ## Met uw eigen plan
#
# ```python
# lagen = wb.open_layers("mijn-gebied/lagen.toml")
# antwoord = wb.assess(lagen, ["woningbouw"], "plannen.gpkg")
# antwoord.report("dossier.html")
# ```
