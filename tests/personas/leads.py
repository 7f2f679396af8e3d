"""Tables of leads whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa


@dataclass(frozen=True)
class Leads:
    """A table of texts, the outcome, and the log-odds that made it."""

    table: pa.Table
    is_won: npt.NDArray[np.bool_]
    log_odds: npt.NDArray[np.float64]


def leads(rows: int, *, seed: int, base: float = -1.5, leaks: bool = False) -> Leads:
    """Leads with facts, noise, blanks and placeholders; with `leaks` columns that were filled in afterwards."""
    dice = np.random.default_rng(seed)
    source = dice.choice(["ads", "fair", "referral", "web"], rows, p=[0.4, 0.2, 0.1, 0.3])
    trade = dice.choice(["retail", "food", "software"], rows)
    minutes = dice.gamma(1.2, 3, rows)
    log_odds = base + 2.2 * (source == "referral") + 0.9 * (trade == "software") + 0.3 * np.minimum(minutes, 8) - 1.0
    won = dice.random(rows) < 1 / (1 + np.exp(-log_odds))
    hidden = dice.random(rows) < 0.05
    columns = {
        "Lead ID": [f"L{number:07d}" for number in range(rows)],
        "created": [f"2024-{1 + number * 12 // rows:02d}-{1 + number % 28:02d}" for number in range(rows)],
        "source": np.where(hidden, "Select", source),
        "trade": np.where(dice.random(rows) < 0.05, "-", trade),
        "web minutes": np.char.mod("%.2f", minutes),
        "owner": dice.choice([f"rep {number}" for number in range(12)], rows),
        "noise": dice.choice(list("abcde"), rows),
        "won": np.where(won, "是", "否"),
    }
    if leaks:
        columns |= {
            "close reason": np.where(won, "", dice.choice(["price", "timing"], rows)),
            "field 17": np.where(won ^ (dice.random(rows) < 0.01), "x", "z"),
            "onboarder": np.where(won & (dice.random(rows) < 0.8), dice.choice(["mei", "lan"], rows), ""),
            "customer no": [f"C{number:06d}" if is_won else "" for number, is_won in enumerate(won.tolist())],
            "fee": np.where(won, np.char.mod("%.2f", dice.gamma(2, 100, rows)), "0"),
            "Lead Quality": np.where(
                won,
                dice.choice(["high", "mid", "low"], rows, p=[0.6, 0.3, 0.1]),
                dice.choice(["high", "mid", "low"], rows),
            ),
            "LastActivity": np.where(
                won, dice.choice(["call", "mail"], rows, p=[0.8, 0.2]), dice.choice(["call", "mail"], rows)
            ),
            "opinion": np.where(
                won,
                dice.choice(["hot", "fine", "bad"], rows, p=[0.4, 0.6, 0.0]),
                dice.choice(["hot", "fine", "bad"], rows, p=[0.0, 0.6, 0.4]),
            ),
        }
    texts = {name: pa.array([str(v) or None for v in values], pa.string()) for name, values in columns.items()}
    return Leads(pa.table(texts), won, log_odds)
