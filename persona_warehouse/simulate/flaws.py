"""What becomes of true values when people type them: blanks, slips, many ways to write a number."""

from __future__ import annotations

from persona_warehouse.simulate.dice import Dice

LOOKALIKES = {
    "智": "知",
    "星": "兴",
    "河": "何",
    "科": "可",
    "技": "枝",
    "械": "诫",
    "医": "益",
    "链": "练",
    "司": "公",
}
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


def blank(dice: Dice, text: str, share: float) -> str:
    """The text, or nothing in that share of the cases: optional fields are left out."""
    return "" if dice.chance(share) else text


def typo(dice: Dice, text: str) -> str:
    """One slip: a character that looks or sounds alike, or two neighbours changed over."""
    for at, character in enumerate(text):
        if character in LOOKALIKES and dice.chance(0.5):
            return text[:at] + LOOKALIKES[character] + text[at + 1 :]
    if len(text) < 3:
        return text
    at = dice.whole(1, len(text) - 2)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def phone(dice: Dice, mobile: str) -> str:
    """A mobile number in one of the ways in which people write it."""
    if dice.chance(0.5):
        return mobile
    a, b, c = mobile[:3], mobile[3:7], mobile[7:]
    return dice.pick(
        (
            f"+86 {a}-{b}-{c}",
            f"{a} {b} {c}",
            f"0{mobile}",
            mobile.translate(FULL_WIDTH),
            f"86-{mobile}",
            f"(+86){mobile}",
            f"{a}-{b}-{c}",
        )
    )


def email(dice: Dice, address: str) -> str:
    """An address, now and then in capitals or with a blank behind it."""
    mark = dice.uniform()
    if mark < 0.04:
        return address.upper()
    return address + " " if mark < 0.07 else address


def money(dice: Dice, amount: int) -> str:
    """An amount in CNY, a multiple of 100, as `¥1,234,500.00`, `35万`, `1.2亿` or digits alone: never rounded."""
    mark = dice.uniform()
    if mark < 0.55:
        return f"¥{amount:,}.00"
    if mark < 0.92:
        unit, size = ("亿", 100_000_000) if amount >= 100_000_000 else ("万", 10_000)
        whole, rest = divmod(amount, size)
        digits = f"{rest:0{len(str(size)) - 1}d}".rstrip("0")
        return f"{whole}.{digits}{unit}" if digits else f"{whole}{unit}"
    return str(amount)


def called(dice: Dice, full_name: str) -> str:
    """How a salesperson writes somebody: mostly the name, sometimes 张总 or 张经理."""
    mark = dice.uniform()
    if mark < 0.93:
        return full_name
    family = full_name[:2] if full_name[:2] in ("欧阳", "司徒", "诸葛") else full_name[0]
    return family + dice.pick(("总", "经理", "工"))
