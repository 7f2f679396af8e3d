"""A Spark cluster of one master and two workers on this machine, from pyspark's own wheel."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark

SPARK = Path(pyspark.__file__).parent
DEFAULTS = """\
spark.master                     {master}
spark.driver.memory              1g
spark.driver.host                127.0.0.1
spark.driver.bindAddress         127.0.0.1
spark.executor.memory            1g
spark.sql.shuffle.partitions     2
spark.ui.enabled                 false
spark.ui.showConsoleProgress     false
"""


@contextmanager
def cluster(folder: Path) -> Iterator[Path]:
    """Starts it, and stops it by its own handles; yields the folder for SPARK_CONF_DIR of those who use it."""
    folder.mkdir()
    started: list[subprocess.Popen[bytes]] = []
    try:
        master = _said(_start(folder, started, "master", "org.apache.spark.deploy.master.Master"), r"at (spark://\S+)")
        for number in (1, 2):
            name, kind = f"worker{number}", "org.apache.spark.deploy.worker.Worker"
            size = ("--cores", "1", "--memory", "1g", "--work-dir", str(folder / name))
            _said(_start(folder, started, name, kind, *size, master), r"(Successfully registered) with master")
        (folder / "spark-defaults.conf").write_text(DEFAULTS.format(master=master), encoding="utf-8")
        yield folder
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(30)


def _start(folder: Path, started: list[subprocess.Popen[bytes]], name: str, kind: str, *arguments: str) -> Path:
    log = folder / f"{name}.log"
    options = ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
    with log.open("wb") as out:
        started.append(
            subprocess.Popen(
                [SPARK / "bin" / "spark-class", kind, *options, *arguments],
                env={**os.environ, "SPARK_HOME": str(SPARK), "SPARK_LOCAL_IP": "127.0.0.1"},
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=folder,
            )
        )
    return log


def _said(log: Path, pattern: str) -> str:
    """What a process says in its log, as soon as it does."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = re.search(pattern, log.read_text(encoding="utf-8"))
        if found:
            return found.group(1)
        time.sleep(0.2)
    raise AssertionError(f"no {pattern} within a minute:\n{log.read_text(encoding='utf-8')[-2000:]}")
