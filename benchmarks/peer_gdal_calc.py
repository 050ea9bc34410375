"""gdal_calc.py (Debian gdal-bin, python3-gdal): one expression a map, as many calls at once as threads.

Each call reads the layers it needs; several ``--calc`` in one call would read them once for each too.
Names by ``:=`` keep a curve from being computed twice.
"""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from pathlib import Path

import floor
import peer_rules as pr

LETTER = dict(zip(pr.LAYERS, "ABCDE", strict=True))


def curve(member: pr.Rules) -> str:
    letter = LETTER[member["layer"]]
    text = f"interp({letter},{member['x']},{member['y']}).astype(float32)"
    return text if member["absent"] is None else f"where({letter}=={pr.ABSENT},float32({member['absent']}),{text})"


def score(number: int, criterion: pr.Rules, enough: float) -> str:
    """Give the score of a criterion a name."""
    curves = [curve(m) for m in criterion["members"]]
    if len(curves) == 1:
        return f"s{number}:={curves[0]}"
    unknown = "|".join(f"isnan({LETTER[m['layer']]})" for m in criterion["members"])
    best = f"(b{number}:=fmax({','.join(curves)}))"
    return f"s{number}:=where({best}>={enough},b{number},where({unknown},nan,b{number}))"


def lost(number: int, criterion: pr.Rules, functie: pr.Rules) -> str:
    weight, low = criterion["weight"], functie["floor"]
    return f"nan_to_num(float32({-weight})*log(maximum(s{number},float32({low}))))"


def known(functie: pr.Rules) -> str:
    return "+".join(f"float32({c['weight']})*~isnan(s{k})" for k, c in enumerate(functie["criteria"]))


def steps(value: str, functie: pr.Rules) -> str:
    return f"{len(functie['borders']) + 1}" + "".join(
        f"-({value}>={b - functie['margin']})" for b in functie["borders"]
    )


def fired(threshold: pr.Rules) -> str:
    return f"({LETTER[threshold['layer']]}>={threshold['value']})"


def percent(share: str) -> str:
    return f"nan_to_num(floor(100*({share})+0.5001),nan={pr.NODATA})"


def worst(functie: pr.Rules) -> str:
    """Name the worst heavy score."""
    return f"m:={reduce('fmin({},{})'.format, [f's{k}' for k in pr.heavy(functie)])}"


def klasse(functie: pr.Rules) -> str:
    last = len(functie["borders"]) + 1
    own = f"maximum(maximum({steps('S', functie)},{steps('m', functie)}-1),{functie['ceiling']})"
    text = f"where(m<{functie['fatal']},{last},where(W>={functie['known'] - functie['margin']},{own},0))"
    for threshold in functie["thresholds"]:
        text = f"where({fired(threshold)},{last},{text})"
    return f"[{worst(functie)},{text}][-1]"


def limiting(losses: list[str], functie: pr.Rules) -> str:
    text = f"where(L.max(axis=0)>{functie['margin']},L.argmax(axis=0),{pr.NODATA})"
    for number in reversed(pr.heavy(functie)):
        text = f"where((m<{functie['fatal']})&(s{number}<=m+{functie['margin']:.9f}),{number},{text})"
    for threshold in reversed(functie["thresholds"]):
        text = f"where({fired(threshold)},{threshold['criterion']},{text})"
    return f"[{worst(functie)},L:=array([{','.join(losses)}]),{text}][-1]"


def expressions(functie: pr.Rules) -> dict[str, str]:
    """The four maps in numpy syntax over the letters A to E."""
    named = ",".join(score(k, c, functie["group"]) for k, c in enumerate(functie["criteria"]))
    losses = [lost(k, c, functie) for k, c in enumerate(functie["criteria"])]
    whole = f"{named},W:={known(functie)},S:=exp(-({'+'.join(losses)})/W)"
    return {
        "geschiktheid": f"[{whole},{percent('S')}][-1]",
        "klasse": f"[{whole},{klasse(functie)}][-1]",
        "bepalend": f"[{named},{limiting(losses, functie)}][-1]",
        "dekking": f"[{named},{percent(known(functie))}][-1]",
    }


def call(source: Path, output: Path, expression: str) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    layers = [part for name, letter in LETTER.items() for part in (f"-{letter}", str(source / f"{name}.tif"))]
    how = ["--type=Byte", f"--NoDataValue={pr.NODATA}", "--hideNoData", "--quiet", "--co=TILED=YES"]
    tiles = [f"--co=BLOCKXSIZE={floor.TILE}", f"--co=BLOCKYSIZE={floor.TILE}"]
    command = ["gdal_calc.py", *layers, f"--outfile={output}", *how, *tiles, f"--calc={expression}"]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def main() -> None:
    source, target, threads = pr.task()
    rules = pr.load(source)
    calls = {f"{f['id']}/{name}": text for f in rules for name, text in expressions(f).items()}
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda n: call(source, floor.plain(target, n), calls[n]), calls))
    floor.cogs({name: floor.plain(target, name) for name in calls}, target, threads)


if __name__ == "__main__":
    main()
