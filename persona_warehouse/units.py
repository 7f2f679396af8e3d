"""What stands beside a number: currencies and powers of ten, in Chinese and English."""

from __future__ import annotations

# read before the plain signs: HK$ holds a $
CURRENCY_SIGNS = {
    "HK$": "HKD", "HKD": "HKD", "港币": "HKD", "港元": "HKD",
    "US$": "USD", "USD": "USD", "美元": "USD", "$": "USD",
    "CNY": "CNY", "RMB": "CNY", "人民币": "CNY", "¥": "CNY", "元": "CNY",
    "EUR": "EUR", "欧元": "EUR", "€": "EUR",
    "GBP": "GBP", "英镑": "GBP", "£": "GBP",
    "JPY": "JPY", "日元": "JPY",
}  # fmt: skip

# powers of ten
UNITS = {
    "亿": 8, "億": 8, "千万": 7, "百万": 6, "万": 4, "萬": 4, "千": 3, "BN": 9, "B": 9, "MN": 6, "M": 6, "K": 3,
}  # fmt: skip
