"""`python -m accuracy`: builds sample worlds, measures, prints, and writes docs/accuracy.md."""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from accuracy.measures import MEASURES, MODULES, Found
from accuracy.report import page, total
from accuracy.worlds import build, standing

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m accuracy", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102, 103])
    parser.add_argument("--companies", type=int, default=600)
    parser.add_argument("--folder", type=Path, help="where the worlds are written and kept; default a temporary one")
    parser.add_argument("--as-it-stands", action="store_true", help="measure nights that stand in --folder, run none")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "accuracy.md")
    asked = parser.parse_args()
    for module in MODULES:
        importlib.import_module(module)
    console = Console()
    with tempfile.TemporaryDirectory(prefix="accuracy-") as temporary:
        found: dict[str, dict[int, Found]] = {name: {} for name in MEASURES}
        folder = asked.folder or Path(temporary)
        for seed in asked.seeds:
            tell = _teller(console, seed)
            if asked.as_it_stands:
                world = standing(folder, seed)
            else:
                console.print(f"seed {seed}: a world of {asked.companies} companies and its night")
                world = build(folder, seed, asked.companies, tell)
            with world.open() as connection:
                for name, measure in MEASURES.items():
                    found[name][seed] = measure.find(connection)
            tell("measured")
    text = page(list(MEASURES.values()), found, asked.companies)
    asked.out.write_text(text, encoding="utf-8")
    console.print(Markdown(text))
    missed = [
        f"{name}: {score}"
        for name, measure in MEASURES.items()
        for score, value in measure.scores(total(found[name])).items()
        if value < measure.bars.get(score, 0.0)
    ]
    sys.exit(f"below the bar: {', '.join(missed)}" if missed else 0)


def _teller(console: Console, seed: int) -> Callable[[str], None]:
    """Prints every step with the seconds that it took."""
    last = time.monotonic()

    def tell(step: str) -> None:
        nonlocal last
        now = time.monotonic()
        console.print(f"seed {seed}: {step}, {now - last:.0f} s")
        last = now

    return tell


if __name__ == "__main__":
    main()
