"""Record: runs a benchmark of this folder and puts what it prints into README.md, with processor and date.

python benchmarks/record.py in_memory.py [its options]
"""

from __future__ import annotations

import datetime
import os
import platform
import re
import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
README = HERE / "README.md"
#: Instructions on which figures depend.
TELLING = ("avx2", "avx512f", "sha_ni")


def processor() -> str:
    """Name of the processor with the instructions that tell, as the system gives them."""
    info = Path("/proc/cpuinfo")
    text = info.read_text("utf-8") if info.exists() else ""
    name = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
    flags = re.search(r"^flags\s*:\s*(.*)$", text, re.MULTILINE)
    known = [f for f in TELLING if flags and f in flags[1].split()]
    return " ".join([name[1] if name else platform.processor() or platform.machine(), *known])


def heading(command: str) -> str:
    """What was run, when and on what."""
    load = f", load {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    machine = f"{processor()}, {os.cpu_count()} processors{load}, Python {platform.python_version()}"
    return f"`{command}`, {datetime.date.today()}, {machine}.\n"


def output_of(script: str, options: list[str]) -> str:
    """Run a benchmark; return what it printed, showing it meanwhile."""
    said = []
    command = [sys.executable, str(HERE / script), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            said.append(line)
    if process.returncode:
        sys.exit(process.returncode)
    return "".join(said)


def with_section(text: str, name: str, section: str) -> str:
    """Text of the README with the section of a benchmark, in its old place or at the end."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    if begin not in text:
        text += f"\n## {name}\n\n{begin}{end}"
    before, rest = text.split(begin)
    return f"{before}{begin}\n{section}\n{end}{rest.split(end)[1]}"


def main() -> None:
    script, *options = sys.argv[1:]
    command = heading(shlex.join(["python", f"benchmarks/{script}", *options]))
    said = output_of(script, options)
    shown = said if re.search(r"^\| ?---", said, re.MULTILINE) else f"```text\n{said}```\n"
    README.write_text(with_section(README.read_text("utf-8"), script, f"{command}\n{shown}"), encoding="utf-8")


if __name__ == "__main__":
    main()
