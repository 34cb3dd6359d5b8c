"""Amounts of money: `19.99 EUR`, `€19,99`, `$1,299.00`, `CHF 20.-`, `-5 kr`.

Only a cell that is nothing but one amount is money: `2 for 10 EUR`, `5 EUR/m` and `10-20 EUR` are texts. A currency is
an ISO 4217 code, or a sign that has one; a sign of several currencies (`$`, `kr`, `¥`) stays as it is.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from producer.values.numbers import MAX_CHARS, Written, alike, written

_CODES = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP
CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD
IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK
MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS
SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR
ZMW ZWG
"""
CODES = frozenset(_CODES.split())
"""ISO 4217 codes in use, and HRK, which old feeds still have."""
_SIGNS = {
    "€": "EUR", "euro": "EUR", "euros": "EUR", "eur": "EUR", "£": "GBP", "gbp": "GBP", "us$": "USD", "usd": "USD", "chf": "CHF",
    "sfr.": "CHF", "zł": "PLN", "zl": "PLN", "pln": "PLN", "kč": "CZK", "czk": "CZK", "ft": "HUF", "huf": "HUF", "₹": "INR",
    "inr": "INR", "₽": "RUB", "\u0440\u0443\u0431": "RUB", "\u0440\u0443\u0431.": "RUB", "₺": "TRY", "₴": "UAH", "грн": "UAH", "грн.": "UAH", "₩": "KRW",
    "₪": "ILS", "฿": "THB", "₫": "VND", "₱": "PHP", "₦": "NGN", "₸": "KZT", "₾": "GEL", "лв": "BGN", "лв.": "BGN", "lei": "RON",
    "r$": "BRL", "ca$": "CAD", "c$": "CAD", "a$": "AUD", "au$": "AUD", "nz$": "NZD", "hk$": "HKD", "s$": "SGD", "nt$": "TWD",
    "mx$": "MXN", "rp": "IDR", "sek": "SEK", "nok": "NOK", "dkk": "DKK", "jpy": "JPY", "円": "JPY", "元": "CNY", "cn¥": "CNY",
}  # fmt: skip
"""Signs and usual spellings of one currency, in small letters."""
_SHARED = {"$": "$", "kr": "kr", "kr.": "kr", "¥": "¥", "￥": "¥", "₨": "Rs", "rs": "Rs", "rs.": "Rs", "fr": "Fr.", "fr.": "Fr."}  # fmt: skip
"""Signs of several currencies."""
_THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_AMOUNT = re.compile(
    r"([^0-9]{0,10})([0-9](?:[0-9 .,']{0,30}[0-9])?(?:[.,][-\u2013\u2014]{1,2})?)([^0-9]{0,10})"
)


class Money(NamedTuple):
    """An amount as it was written, and its currency: empty if it has none."""

    number: Written
    negative: bool
    currency: str

    @property
    def uncertain(self) -> bool:
        """Whether even with a currency `1.250` can be both: a few currencies have three decimals."""
        return self.number.ambiguous and self.currency in _THREE_DECIMALS

    def amount(self, point: str | None = None) -> float:
        """Return the amount; `point` is the decimal sign of its column."""
        value = self.number.value(point)
        return -value if self.negative else value


def money(text: str) -> Money | None:
    """Return the amount that the whole text is, with or without a currency; None for anything else."""
    # Prices repeat; the bound keeps long texts out of the cache.
    return None if len(text) > MAX_CHARS else _money(text.strip())


@lru_cache(maxsize=4096)
def _money(text: str) -> Money | None:
    if (parts := _AMOUNT.fullmatch(alike(text))) is None:
        return None
    before, negative = _unsigned(parts[1])
    number, currency = written(parts[2]), _currency(before, parts[3].strip())
    return None if number is None or currency is None else Money(number, negative, currency)


def _unsigned(before: str) -> tuple[str, bool]:
    """Return what comes before an amount without its minus."""
    stripped = before.strip()
    for rest in (stripped.removeprefix("-"), stripped.removesuffix("-")):
        if rest != stripped:
            return rest.strip(), True
    return stripped, False


@lru_cache(maxsize=1024)
def _currency(before: str, after: str) -> str | None:
    """Return the currency around an amount, empty for none; None if there is anything else."""
    found = [currency_named(text) for text in (before, after) if text]
    if None in found:
        return None
    codes = {currency for currency in found if currency in CODES}
    if len(codes) > 1 or (len(found) == 2 and not codes):
        return None
    return next(iter(codes), None) or next((sign for sign in found if sign), "")


def currency_named(text: str) -> str | None:
    """Return the ISO code of a currency's code or sign, the sign itself if several currencies share it; None for another text."""
    if text in CODES:
        return text
    small = text.casefold()
    return _SIGNS.get(small) or _SHARED.get(small)
