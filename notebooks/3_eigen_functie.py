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
# # Zelf een functie aanpassen of maken
#
# Een functie is een lijst getallen: hoe zwaar telt een laag, welke waarde is goed, wanneer is het nee. U kunt elk getal lezen, betwisten en
# vervangen. Het gebied is **verzonnen**.

# %%
import waterbodem as wb

lagen = wb.example()
woningbouw = wb.functies()["woningbouw"]

# %% [markdown]
# ## Wat staat er in een functie?
# Gewicht, punten (waarde, score) en bron per laag. *expertoordeel* betekent: er is geen gepubliceerde bron voor.

# %%
import pandas as pd

pd.DataFrame(
    [
        {"laag": naam, "gewicht": c.gewicht, "waarde en score": list(c.curve), "bron": c.provenance}
        for naam, c in woningbouw.criteria.items()
    ]
).style.hide(axis="index")

# %% [markdown]
# ## Een getal anders
# Wie zonder kruipruimte bouwt kan met minder ontwatering toe, ook in de tuinen, en hoeft dan minder op te hogen. `replace` maakt een kopie; het origineel blijft
# zoals het is, en in elk rapport staat *eigen invoer*.

# %%
lichter = woningbouw.replace(ontwatering_m=0.3, ontwatering_groen_m=0.3, ophoging_m=0.1, opgehoogd_aandeel=0.2)
alleen_minder_zand = woningbouw.replace(ophoging_m=0.1, opgehoogd_aandeel=0.2)
plannen = wb.example_plans()
nu = wb.per_gebied(lagen, woningbouw, plannen)
nu[["gebied", "antwoord", "risico"]].assign(
    lichter=wb.per_gebied(lagen, lichter, plannen).risico,
    alleen_minder_zand=wb.per_gebied(lagen, alleen_minder_zand, plannen).risico,
).round(2)

# %% [markdown]
# **Wat ziet u?** Lichter bouwen verkleint de last. *Alleen* minder zand, met dezelfde droge vloer, vergroot hem op drie van de vier plannen: de drains komen dan dieper,
# en er is meer tuin die ontwaterd wordt, zodat de bodem minder water kan bergen. Op de veenrand weegt de zetting die vervalt zwaarder. Het antwoord zelf hangt van de plek
# af en verandert niet.

# %% [markdown]
# ## Een hele functie: drijvend wonen
# Een tekstbestand. `code` is 100 of hoger; elk getal heeft een bron of het merk *expertoordeel*.

# %%
tekst = """
[functies.drijvend_wonen]
code = 101
naam = "Drijvend wonen"

[functies.drijvend_wonen.criteria.wateroverlast]
gewicht = 0.6
punten = [[0, 0.3], [0.3, 1]]
expertoordeel = "geheel"

[functies.drijvend_wonen.criteria.kwel]
gewicht = 0.4
punten = [[-1, 0.2], [0.5, 1]]
expertoordeel = "geheel"

[functies.drijvend_wonen.parameters]
verhardingsgraad = { waarde = 0.2, expertoordeel = "geheel" }
ontwatering_m = { waarde = 0.0, expertoordeel = "geheel" }
ophoging_m = { waarde = 0.0, expertoordeel = "geheel" }
opgehoogd_aandeel = { waarde = 0.0, expertoordeel = "geheel" }
levensduur_jr = { waarde = 50, expertoordeel = "geheel" }
grondwateraanvulling_mm_jr = { waarde = 250, expertoordeel = "geheel" }
bergingseis_mm = { waarde = 0, expertoordeel = "geheel" }
watervraag_mm_jr = { waarde = 0, expertoordeel = "geheel" }
omkeerbaarheid = { waarde = 0.7, expertoordeel = "geheel" }
berging_m = { waarde = 0.1, expertoordeel = "geheel" }
onttrekking = { waarde = 0, expertoordeel = "geheel" }
"""

# %%
import tempfile
from pathlib import Path

bestand = Path(tempfile.mkdtemp()) / "eigen.toml"
bestand.write_text(tekst, encoding="utf-8")
drijvend = wb.functies(bestand)["drijvend_wonen"]
uitkomst = wb.assess(lagen, [woningbouw, drijvend], plannen)
uitkomst

# %%
uitkomst.plot(functie="drijvend_wonen")

# %% [markdown]
# **Wat mag u concluderen?** Waar deze functie *volgens uw getallen* past. **Wat niet?** Dat die getallen kloppen: laat een hydroloog het bestand
# lezen en ondertekenen.

# %% [markdown]
# ## Een fout maken mag
# De melding zegt wat er mis is, waar, en wat wel mag.

# %%
try:
    woningbouw.replace(ophogng_m=0.1)
except wb.WaterbodemError as fout:
    print(fout)

# %% [markdown]
# ## Met uw eigen gegevens
#
# ```python
# lagen = wb.open_layers("mijn-gebied/lagen.toml")
# functies = wb.functies("eigen.toml")
# wb.assess(lagen, functies["drijvend_wonen"], "plannen.gpkg")
# ```
