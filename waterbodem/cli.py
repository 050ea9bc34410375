"""The command ``waterbodem``: Dutch on the screen, results on stdout, progress on stderr.

The commands import what computes only when they run, so that ``--version`` and ``-h`` are quick.
"""

from __future__ import annotations

import gc
import json
import logging
import math
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import click

from waterbodem.core import limits, stderr
from waterbodem.core.errors import LayerIgnored, WaterbodemError
from waterbodem.core.heap import keep_pages
from waterbodem.core.interruption import Interruption, signals_taken_by
from waterbodem.core.terminal import lines_of, one_line, overwrite, showing, shown
from waterbodem.core.version import __version__
from waterbodem.definitions.setting_list import Setting, all_settings
from waterbodem.formats.output_names import REPORT

#: Exit codes of the contract; 2 (usage) is click's own.
DONE, WRONG_INPUT, DONE_IN_PART = 0, 1, 3


class Named(click.Path):
    """A path with a name: an empty one, of a variable that is not set, is no folder to write in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        if value == "":
            self.fail("leeg; geef een pad", param, ctx)
        return super().convert(value, param, ctx)


FILE = Named(path_type=Path)
SETTING = "FUNCTIE.PARAMETER=GETAL"
SCENARIO = "Ook met de lagen van dit scenario, of van alle: knmi23, all. Mag vaker."

#: Of all commands; colours of a terminal are never stripped, for then what carries them would not be seen.
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110, "color": True}


class Commands(click.Group):
    """A group of commands that ends in one message, without a traceback, where input is wrong or one is stopped."""

    def main(self, *args: Any, **settings: Any) -> Any:
        """Run the command line on screens; output that cannot be written ends it."""
        with showing():
            try:
                return super().main(*args, **settings)
            except WaterbodemError as error:
                click.echo(f"fout: {lines_of(error)}", err=True, color=True)
                sys.exit(WRONG_INPUT)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        ctx.obj = asked = Interruption()
        try:
            with signals_taken_by(asked), _short_warnings(), _short_log():
                limits.check_start()
                return super().invoke(ctx)
        except (click.exceptions.Exit, click.ClickException):
            raise
        except (KeyboardInterrupt, Exception) as error:
            code, said = _ending(error, asked.asked)
            if not said:
                raise
            click.echo(said, err=True)
            ctx.exit(code)


def _ending(error: BaseException, stopped: bool) -> tuple[int, str]:
    """Return the exit code for an error and what is said of it; nothing where nobody expected it.

    Parameters
    ----------
    stopped : bool
        Whether the program was asked to stop, which libraries turn into errors of their own.
    """
    if stopped or isinstance(error, KeyboardInterrupt):
        return DONE_IN_PART, "onderbroken: er staat niets half; hetzelfde commando begint opnieuw"
    if isinstance(error, MemoryError):
        return WRONG_INPUT, "fout: te weinig geheugen; neem een kleiner gebied of minder workers"
    return WRONG_INPUT, f"fout: {lines_of(error)}" if isinstance(error, WaterbodemError) else ""


@contextmanager
def _short_warnings() -> Iterator[None]:
    """Show warnings of this library on one line of stderr; those of others say nothing about the question."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", LayerIgnored)
        warnings.showwarning = _show_warning
        yield


class OneLine(logging.Formatter):
    """A record of the log as one line, whatever names are in it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return one_line(super().format(record))


@contextmanager
def _logging(form: str) -> Iterator[None]:
    """Let the log of this library go to stderr in a form, and nowhere else."""
    log, handler = logging.getLogger("waterbodem"), logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine(form))
    before, log.handlers = log.handlers, [handler]
    try:
        yield
    finally:
        log.handlers = before


@contextmanager
def _short_log() -> Iterator[None]:
    """Show what this library logs as a warning; of others, what matters follows as an error of ours."""
    before, logging.lastResort = logging.lastResort, logging.NullHandler()
    try:
        with _logging("let op: %(message)s"):
            yield
    finally:
        logging.lastResort = before


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    if issubclass(category, LayerIgnored):  # a library may turn its own on as it loads
        click.echo("let op: " + " ".join(str(message).split()), err=True)


class Progress:
    """What is going on: a status line on a terminal, else a line a step."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._width = 0

    def __call__(self, step: str) -> None:
        """Show the step that begins."""
        if self._live:
            overwrite(f"{step:<{self._width}}")
            self._width = len(step)
        else:
            click.echo(one_line(step), err=True)

    def done(self) -> None:
        """Wipe the status line."""
        if self._live and self._width:
            overwrite(" " * self._width)
            overwrite("")
            self._width = 0


@contextmanager
def _progress() -> Iterator[Progress]:
    shown = Progress()
    try:
        yield shown
    finally:
        shown.done()


def _setting(text: str) -> tuple[str, str, float]:
    """Return the parts of ``functie.parameter=number``."""
    name, equals, value = text.partition("=")
    functie, dot, parameter = name.strip().partition(".")
    number = float("nan")
    with suppress(ValueError):
        number = float(value)
    if not (equals and dot and functie and parameter) or math.isnan(number):
        raise click.BadParameter(f"{text!r} is niet van de vorm woningbouw.verhardingsgraad=0.7")
    return functie, parameter, number


@click.group(cls=Commands, context_settings=SETTINGS)
@click.version_option(__version__, prog_name="waterbodem")
def cli() -> None:
    """Water en bodem sturend: welke functie past waar, waarom, en wat wentelt zij af op anderen."""


@cli.command()
@click.argument("folder", metavar="MAP", type=FILE)
def init(folder: Path) -> None:
    """Schrijf een lagen.toml met uitleg om mee te beginnen."""
    from waterbodem.layers.template import write_template

    path = write_template(folder)
    click.echo(f"Geschreven: {path}")
    click.echo(f"Vul de lagen in en controleer met: waterbodem check {path}")


@cli.command()
@click.option("--output", metavar="MAP", type=FILE, default="waterbodem-demo", show_default=True, help="Uitvoermap.")
def demo(output: Path) -> None:
    """Beantwoord de hoofdvraag op het ingebouwde, verzonnen gebied."""
    with _loading():
        from waterbodem.assessment import from_files
        from waterbodem.assessment.files import check_folder, save_assessment
        from waterbodem.views.console import answer_text

    started = time.monotonic()
    check_folder(output)
    with _progress() as step:
        step("verzonnen voorbeeldgebied maken en doorrekenen")
        found = from_files.demo_assessment()
        step("schrijven")
        save_assessment(found, output, command="waterbodem demo", started=started)
    click.echo("Verzonnen gebied: alleen om het gereedschap te leren kennen.\n")
    click.echo(answer_text(found))
    click.echo(f"\nRapport: {output / REPORT}")


@cli.command()
@click.argument("functie", metavar="[ID]", required=False)
@click.option("--functies", "own", metavar="BESTAND", type=FILE, help="Bestand met eigen functies erbij.")
def functies(functie: str | None, own: Path | None) -> None:
    """Toon welke functies er zijn, of een ervan volledig, met bronnen."""
    from waterbodem.definitions.registry import load_functies
    from waterbodem.views.console import functie_text, functies_text

    known = load_functies(own)
    click.echo(functies_text(known.values()) if functie is None else functie_text(known[functie]))


@cli.command()
@click.argument("maatregel", metavar="[ID]", required=False)
@click.option("--maatregelen", "own", metavar="BESTAND", type=FILE, help="Bestand met eigen maatregelen erbij.")
@click.option("--functies", "functies_file", metavar="BESTAND", type=FILE, help="Eigen functies die daarin staan.")
@click.option("--taal", type=click.Choice(["nl", "en"]), default="nl", show_default=True, help="Taal.")
def maatregelen(maatregel: str | None, own: Path | None, functies_file: Path | None, taal: str) -> None:
    """Toon welke maatregelen er zijn, of een ervan volledig, met bronnen."""
    from waterbodem.definitions.measures.catalogue import load_measures
    from waterbodem.definitions.registry import load_functies
    from waterbodem.views.measure_list import measure_text, measures_text

    known = load_measures(own, load_functies(functies_file))
    click.echo(measures_text(known.values(), taal) if maatregel is None else measure_text(known[maatregel], taal))


@cli.command()
@click.argument("file", metavar="BESTAND", type=FILE)
@click.option("--allow", metavar="MAP", type=FILE, multiple=True, help="Map waar lagen ook mogen liggen.")
@click.option("--json", "as_json", is_flag=True, help="Uitkomst als JSON.")
def check(file: Path, allow: tuple[Path, ...], as_json: bool) -> None:
    """Controleer een lagen.toml of run-bestand: wat er mis is, en wat het gaat kosten."""
    from waterbodem.batch.run_file import is_run_file
    from waterbodem.engine.compiling import tell_untried
    from waterbodem.layers.audit import check_catalogue

    tell_untried()
    if is_run_file(file):
        from waterbodem.batch.forecast import forecast_run

        if allow:
            raise click.UsageError("--allow geldt voor een lagen.toml; een run leest lagen naast zijn lagen.toml")

        with _progress() as step:
            step("controleren en meten")
            found, audit = forecast_run(file)
        told = {**found.to_dict(), "audit": audit.to_dict()}
        click.echo(_json(told) if as_json else f"{audit.layers_text()}\n{found.to_text()}\nIn orde.")
        return
    with _progress() as step:
        step("controleren")
        audit = check_catalogue(file, allow)
    click.echo(_json(audit.to_dict()) if as_json else audit.to_text())
    click.get_current_context().exit(DONE if audit.ok else WRONG_INPUT)


def _reach(text: str) -> float | str:
    """Return a length in m, or a word or file that tells how one is found."""
    try:
        return float(text)
    except ValueError:
        return text


#: What click needs to know of an option, by kind of setting.
KINDS: Mapping[str, Mapping[str, Any]] = {
    "getal": {"type": float},
    "schakelaar": {"is_flag": True, "default": False, "callback": lambda _context, _option, off: not off},
    "woord": {},
    "functie": {},
    "norm": {},
    "lengte": {"type": _reach},
    "put": {"type": float, "nargs": 3},
    "regels": {"type": FILE},
}


def _option(setting: Setting) -> Callable[[Any], Any]:
    """Return the option of a setting."""
    shown = bool(setting.woorden) and setting.standaard is not None
    told = {"metavar": setting.toon, "default": setting.standaard, "show_default": shown, "help": setting.hulp}
    return click.option(setting.option, setting.id, **{**told, **KINDS[setting.soort]})


Options = tuple[Callable[[Any], Any], ...]
#: What is asked of plans, and what is the user's own; then how the answer is told.
PLAN_OPTIONS: Options = (
    click.option("--layers", metavar="BESTAND", type=FILE, required=True, help="lagen.toml, of de map ervan."),
    click.option("--functie", "ids", metavar="ID", multiple=True, required=True, help='Mag vaker; "all" is elke.'),
    click.option(
        "--gebied",
        "--gebieden",
        "gebied",
        metavar="BESTAND",
        type=FILE,
        required=True,
        help="Polygonen, in elk stelsel.",
    ),
)
OWN_OPTIONS: Options = (
    click.option("--functies", "functies_file", metavar="BESTAND", type=FILE, help="Eigen functies erbij."),
    click.option("--set", "changes", metavar=SETTING, type=_setting, multiple=True, help="Eigen waarde, mag vaker."),
    click.option("--id", "id", metavar="VELD", help="Veld met de naam van een gebied."),
    click.option("--ontvangers", metavar="BESTAND", type=FILE, help="Polygonen die de last kunnen krijgen."),
    click.option("--scenario", "scenarios", metavar="NAAM", multiple=True, help=SCENARIO),
    *map(_option, all_settings()),
)
TOLD_OPTIONS: Options = (
    click.option("--allow", metavar="MAP", type=FILE, multiple=True, help="Map waar lagen ook mogen liggen."),
    click.option("--json", "as_json", is_flag=True, help="Antwoord als JSON."),
)
ASSESS_OPTIONS: Options = (
    *PLAN_OPTIONS,
    click.option("--output", metavar="MAP", type=FILE, help="Uitvoermap; zonder deze alleen het antwoord."),
    *OWN_OPTIONS,
    click.option("--float", "float_", is_flag=True, help="Schrijf ook <naam>_f32.tif."),
    *TOLD_OPTIONS,
)
MITS_OPTIONS: Options = (
    *PLAN_OPTIONS,
    click.option("--maatregelen", "own", metavar="BESTAND", type=FILE, help="Bestand met eigen maatregelen erbij."),
    click.option("--samen", type=click.IntRange(1, 3), default=3, show_default=True, help="Zoveel tegelijk."),
    click.option("--vrij", type=click.Choice(["D", "risico"]), help="Waarom hectares vrij blijven; standaard een nee."),
    *OWN_OPTIONS,
    *TOLD_OPTIONS,
)


def _with(options: Options) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@cli.command()
@_with(ASSESS_OPTIONS)
def assess(
    output: Path | None,
    as_json: bool,
    ids: tuple[str, ...],
    changes: tuple[tuple[str, str, float], ...],
    **given: Any,
) -> None:
    """Beantwoord de hoofdvraag: past deze functie op dit gebied, en waarom (niet)."""
    with _loading():
        from waterbodem.answers.command import command_of
        from waterbodem.assessment import from_files
        from waterbodem.assessment.files import check_folder, save_assessment
        from waterbodem.views.console import answer_text, ledger_text

    started = time.monotonic()
    own = tuple(from_files.ParameterOverride(*s) for s in changes)
    settings = {s.id: given.pop(s.id) for s in all_settings()}
    request = from_files.CommandQuestion(functies=ids, changes=own, settings=settings, output=output, **given)
    if output is not None:
        check_folder(output)
    files: list[Path] = []
    with _progress() as step:
        found = from_files.assess_files(request, step)
        if output is not None:
            step("schrijven")
            command = command_of(found.question, files=request.file_names)
            files = save_assessment(found, output, float_=request.float_, command=command, started=started)
    if as_json:
        click.echo(_json(found.to_dict(files)))
    else:
        click.echo(answer_text(found) + (ledger_text(found) if found.question.receiver_question.given else ""))
    if output is not None and not as_json:
        click.echo(f"\nRapport: {output / REPORT}")
    _finish(found.outside)


@cli.command()
@_with(MITS_OPTIONS)
def mits(
    as_json: bool,
    ids: tuple[str, ...],
    changes: tuple[tuple[str, str, float], ...],
    own: Path | None,
    samen: int,
    vrij: str | None,
    **given: Any,
) -> None:
    """Zoek wat het een ja maakt: maatregelen voor de plek en voor de buren, met kosten en bandbreedte."""
    with _loading():
        from waterbodem.assessment import from_files
        from waterbodem.views.measures import mits_data, mits_text

    settings = {s.id: given.pop(s.id) for s in all_settings()}
    request = from_files.CommandQuestion(
        functies=ids, changes=tuple(from_files.ParameterOverride(*s) for s in changes), settings=settings, **given
    )
    with _progress() as step:
        found = from_files.packages(request, own, samen, vrij, step)
    click.echo(_json(mits_data(found)) if as_json else mits_text(found))
    _finish(found.outside)


def _finish(outside: tuple[str, ...]) -> None:
    """List the polygons that were not assessed, with the exit code that says so."""
    for name in outside:
        click.echo(one_line(f"niet beoordeeld: {name} ligt geheel buiten de gegevens"), err=True)
    click.get_current_context().exit(DONE_IN_PART if outside else DONE)


@cli.command()
@click.argument("file", metavar="BESTAND", type=FILE)
@click.option("--workers", type=click.IntRange(min=1), help="Hoeveel delen tegelijk; standaard alle processoren.")
@click.option("--dask", metavar="ADRES", help="Reken op een Dask-cluster, bijvoorbeeld tcp://host:8786.")
@click.option("--verify", is_flag=True, help="Reken de sha256 van elk in- en uitvoerbestand na.")
@click.option("--wait", metavar="SECONDEN", type=click.FloatRange(min=0, max=1e6), default=0.0, help="Zo lang wachten.")
def run(file: Path, workers: int | None, dask: str | None, verify: bool, wait: float) -> None:
    """Reken een hele provincie door; hetzelfde commando gaat na een onderbreking verder."""
    from waterbodem.batch.prehash import hashing

    with hashing(file) as digest, _stoppable() as stop, _told() as told:
        with _loading():
            from waterbodem.batch import runner  # takes as long to load as the layers to hash

        progress = stop.before(told)
        outcome = runner.run(
            file, workers=workers, dask=dask, progress=progress, verify=verify, wait_for_lock=wait, digest=digest
        )
    for label, reason in outcome.problems:
        click.echo(one_line(f"niet gelukt: {label}: {reason}"), err=True)
    if outcome.failed:
        click.echo(f"zonder kaarten en antwoorden: {', '.join(outcome.failed)}", err=True)
    click.echo(
        f"{outcome.made} delen berekend, {outcome.kept} waren klaar, {outcome.seconds:.0f} s. "
        f"Uitvoer: {one_line(outcome.output.name)}"
    )
    for reason in outcome.niet_bepaald:
        click.echo(one_line(f"let op: {reason}"), err=True)
    for name in outcome.outside:
        click.echo(one_line(f"niet beoordeeld: {name} ligt geheel buiten de gegevens"), err=True)
    click.get_current_context().exit(DONE if outcome.complete and not outcome.outside else DONE_IN_PART)


@contextmanager
def _loading() -> Iterator[None]:
    """Load modules whole; they are no garbage: do not look for it among them, now nor when the program ends."""
    gc.disable()
    try:
        with click.get_current_context().ensure_object(Interruption).held():
            yield
        gc.freeze()
    finally:
        gc.enable()


class Stop:
    """Asked to stop by Ctrl-C or another signal: once at the next moment between two parts, twice at once."""

    asked = False

    def __call__(self, number: int, frame: Any) -> None:
        """Take a signal."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        with suppress(RuntimeError):  # the signal came while something was being said
            click.echo("stoppen: delen onder handen worden afgemaakt; nog eens om meteen te stoppen", err=True)

    def before(self, tell: Callable[[str, int, int], None]) -> Callable[[str, int, int], None]:
        """Return a callback that ends a run that was asked to stop, instead of telling how far it is."""

        def told(phase: str, done: int, total: int) -> None:
            if self.asked:
                raise KeyboardInterrupt
            tell(phase, done, total)

        return told


@contextmanager
def _stoppable() -> Iterator[Stop]:
    """End a run in order when asked to: what is finished stays, nothing is half-written."""
    stop = Stop()
    try:
        with signals_taken_by(stop):
            yield stop
    except KeyboardInterrupt:
        click.echo("onderbroken: hetzelfde commando gaat verder waar dit ophield", err=True)
        click.get_current_context().exit(DONE_IN_PART)


@contextmanager
def _told() -> Iterator[Callable[[str, int, int], None]]:
    """Give what tells how far a run is: a status line on a terminal, else a line a minute in the log on stderr."""
    from waterbodem.views.pace import Pace

    if sys.stderr.isatty():
        with _progress() as step:
            yield Pace(step, every=0.0)
        return
    log = logging.getLogger("waterbodem")
    before = log.level
    log.setLevel(logging.INFO)
    try:
        with _logging("%(asctime)s %(message)s"):
            yield Pace(log.info)
    finally:
        log.setLevel(before)


@cli.command()
@click.argument("folder", metavar="MAP", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Uitkomst als JSON.")
def status(folder: Path, as_json: bool) -> None:
    """Toon wat er van een run klaar is, mislukt is of nog moet; verstoort een run niet die bezig is."""
    from waterbodem.batch.state import status as status_of
    from waterbodem.batch.state_text import run_text

    found = status_of(folder)
    click.echo(_json(found.to_dict()) if as_json else run_text(found))
    click.get_current_context().exit(DONE if found.complete else DONE_IN_PART)


@cli.command()
@click.argument("folder", metavar="MAP", type=FILE)
def schema(folder: Path) -> None:
    """Schrijf de JSON Schema's van lagen.toml en functiebestanden, voor editors."""
    from waterbodem.batch.schemas import schemas
    from waterbodem.core.files import staging

    with staging() as stage:
        stage.folder(folder)
        for name, data in schemas().items():
            stage.file(folder / name).write_bytes(f"{_json(data)}\n".encode())
    click.echo("Geschreven: " + ", ".join(str(folder / name) for name in schemas()))


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False)


def main() -> None:
    """Run the command line; output that goes to a file or pipe is UTF-8 everywhere."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's own threads: they spin, and have nothing to do here
    stderr.set_up()
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="replace")
    keep_pages()
    shown()
    cli(prog_name="waterbodem")
