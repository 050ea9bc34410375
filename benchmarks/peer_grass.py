"""GRASS (Debian grass-core): r.external, one r.mapcalc with graph() for all maps, r.external.out.

r.mapcalc computes with one core, so each thread has a process of its own for its part of the rows. Every layer is read
once, row by row through GDAL; a map is the parts side by side in a VRT.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import reduce
from itertools import pairwise
from pathlib import Path

import floor
import peer_rules as pr
import rasterio


def curve(member: pr.Rules) -> str:
    points = ",".join(f"{x},{y}" for x, y in zip(member["x"], member["y"], strict=True))
    layer, absent = member["layer"], member["absent"]
    text = f"graph({layer},{points})"
    return text if absent is None else f"if({layer}=={pr.ABSENT},{absent},{text})"


def score(criterion: pr.Rules, enough: float) -> str:
    curves = [curve(m) for m in criterion["members"]]
    if len(curves) == 1:
        return curves[0]
    unknown = "||".join(f"isnull({m['layer']})" for m in criterion["members"])
    best = f"nmax({','.join(curves)})"
    return f"if(!({unknown})||if(isnull({best}),0,{best}>={enough}),{best},null())"


def steps(value: str, functie: pr.Rules) -> str:
    down = "".join(f"-({value}>={b - functie['margin']})" for b in functie["borders"])
    return f"({len(functie['borders']) + 1}{down})"


def fired(threshold: pr.Rules) -> str:
    return f"if(isnull({threshold['layer']}),0,{threshold['layer']}>={threshold['value']})"


def nested(choices: list[tuple[str, object]], otherwise: object) -> str:
    """Return ``if(a,x,if(b,y,otherwise))``."""
    return reduce(lambda inner, choice: f"if({choice[0]},{choice[1]},{inner})", reversed(choices), str(otherwise))


def shared(functie: pr.Rules) -> Iterator[tuple[str, str]]:
    """Yield names and what they stand for: scores, losses, known weight, score, worst."""
    terms = []
    for k, criterion in enumerate(functie["criteria"]):
        yield f"s{k}", score(criterion, functie["group"])
        yield f"l{k}", f"if(isnull(s{k}),0.0,-{criterion['weight']}*log(max(s{k},{functie['floor']})))"
        terms.append(f"{criterion['weight']}*!isnull(s{k})")
    numbers = range(len(terms))
    yield "w", "+".join(terms)
    yield "s", f"if(w>0,exp(-({'+'.join(f'l{k}' for k in numbers)})/w))"
    yield "worst", f"nmin(1.0,{','.join(f's{k}' for k in numbers if functie['criteria'][k]['heavy'])})"
    yield "most", f"max({','.join(f'l{k}' for k in numbers)})"


def expressions(functie: pr.Rules, suffix: str) -> list[str]:
    """One expression for the shared names of a functie and its four maps."""
    last, names = len(functie["borders"]) + 1, [f"l{k}" for k in range(len(functie["criteria"]))]
    decided = [(fired(t), t) for t in functie["thresholds"]]
    capped = f"max({steps('s', functie)},{steps('worst', functie)}-1,{functie['ceiling']})"
    fatal = f"worst<{functie['fatal']}"
    lowest = [(f"{fatal}&&if(isnull(s{k}),0,s{k}<=worst+{functie['margin']:.9f})", k) for k in pr.heavy(functie)]
    unknown = f"w<{functie['known'] - functie['margin']}"
    known = {"geschiktheid": f"if(w>0,int(100*s+0.5001),{pr.NODATA})", "dekking": "int(100*w+0.5001)"}
    known["klasse"] = nested([*((f, last) for f, _ in decided), (fatal, last), (unknown, 0)], capped)
    largest = [(f"most<={functie['margin']:.9f}", pr.NODATA), *((f"{n}==most", k) for k, n in enumerate(names))]
    known["bepalend"] = nested([*((f, t["criterion"]) for f, t in decided), *lowest, *largest], pr.NODATA)
    setup = ",".join(f"{name}={text}" for name, text in shared(functie))
    first = {pr.MAPS[0]: f"eval({setup},{known[pr.MAPS[0]]})"}
    return [f"{functie['id']}_{name}{suffix}={first.get(name, known[name])}" for name in pr.MAPS]


def script(source: Path, work: Path, rules: list[pr.Rules], threads: int) -> str:
    """The commands inside a GRASS session."""
    lines = [f"r.external -o --quiet input={shlex.quote(str(p))} output={p.stem}" for p in pr.files(source)]
    with rasterio.open(pr.files(source)[0]) as file:
        rows, top, size = file.height, file.bounds.top, file.res[1]
    lines.append(f"g.region raster={pr.LAYERS[0]}")
    options = f"TILED=YES,BLOCKXSIZE={floor.TILE},BLOCKYSIZE={floor.TILE}"
    lines.append(
        f"r.external.out --quiet directory={shlex.quote(str(work))} format=GTiff extension=tif options={options}"
    )
    tiles = -(-rows // floor.TILE)
    edges = sorted({min(rows, round(tiles * k / threads) * floor.TILE) for k in range(threads + 1)})
    for k, (first, after) in enumerate(pairwise(edges)):
        (work / f"{k}.txt").write_text("\n".join(e for f in rules for e in expressions(f, f"_{k}")), encoding="utf-8")
        lines.append(f"g.region n={top - first * size} s={top - after * size} save=part{k}")
        lines.append(f"WIND_OVERRIDE=part{k} r.mapcalc --quiet file={shlex.quote(str(work / f'{k}.txt'))} & pid{k}=$!")
    return "\n".join(["set -e", *lines, *(f"wait $pid{k}" for k in range(len(edges) - 1))]) + "\n"


def joined(work: Path, target: Path, name: str) -> Path:
    """The parts of a map as one byte VRT."""
    parts = [str(p) for p in work.glob(f"{name.replace('/', '_')}_*.tif")]
    whole, plain = work / f"{name.replace('/', '_')}.vrt", target / f"{name}.plain.vrt"
    plain.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gdalbuildvrt", "-q", str(whole), *parts], check=True)
    how = ["-ot", "Byte", "-a_nodata", str(pr.NODATA), "-of", "VRT"]
    subprocess.run(["gdal_translate", "-q", *how, str(whole), str(plain)], check=True)
    return plain


def main() -> None:
    source, target, threads = pr.task()
    rules = pr.load(source)
    target.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=target))
    (work / "commands.sh").write_text(script(source, work, rules, threads), encoding="utf-8")
    command = ["grass", "--tmp-location", str(pr.files(source)[0]), "--exec", "bash", str(work / "commands.sh")]
    subprocess.run(command, check=True, capture_output=True)
    floor.cogs({name: joined(work, target, name) for name in pr.names(rules)}, target, threads)
    for overviews in target.rglob("*.plain.vrt.ovr"):
        overviews.unlink()
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
