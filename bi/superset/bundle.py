"""Puts the path of a home into the dashboard's files: a folder for Superset's command line, a zip for its pages."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

ASSETS = Path(__file__).with_name("assets")
# stands in the database's file for the home, so that no path of a machine is kept
PLACEHOLDER = "PERSONA_HOME"


def bundle(home: Path, folder: Path) -> Path:
    """Writes the bundle of a home.

    Args:
        home: the home as Superset's machine sees it; it need not exist on this one.
        folder: where the files go; a bundle that stands there is replaced, as is the zip beside it.

    Returns:
        The zip: the same folder packed.
    """
    if not home.is_absolute():
        raise SystemExit(f"the home must be an absolute path, as Superset sees it; found: {home}")
    if folder.exists():
        if not (folder / "metadata.yaml").exists():
            raise SystemExit(f"{folder} is there and is no bundle; name another folder")
        shutil.rmtree(folder)
    shutil.copytree(ASSETS, folder)
    database = folder / "databases" / "persona_marts.yaml"
    text = database.read_text(encoding="utf-8")
    database.write_text(text.replace(f"/{PLACEHOLDER}/", f"{home.as_posix()}/"), encoding="utf-8")
    return Path(shutil.make_archive(str(folder), "zip", root_dir=folder.parent, base_dir=folder.name))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path, help="PERSONA_HOME as Superset's machine sees it, an absolute path")
    parser.add_argument("folder", type=Path, help="the folder to write; the zip is written beside it")
    arguments = parser.parse_args()
    print(bundle(arguments.home, arguments.folder.absolute()))


if __name__ == "__main__":
    main()
