"""Notation of numbers: decimal and thousands signs of a language, and as few digits as a file has.

Words for what is unknown, percentages and units stand on this, in :mod:`waterbodem.definitions.labels`.
"""

from __future__ import annotations

_SWAPPED = str.maketrans(",.", ".,")


def localised(text: str, taal: str = "nl") -> str:
    """Text of a number as Python writes it, with the decimal and thousands signs of a language.

    Examples
    --------
    >>> localised("1,234.5"), localised("1,234.5", "en")
    ('1.234,5', '1,234.5')
    """
    return text.translate(_SWAPPED) if taal == "nl" else text


def typeset(text: str, taal: str = "nl") -> str:
    r"""Text of a number that was computed: localised, with the sign for minus, and without a sign where it is 0.

    Examples
    --------
    >>> typeset("-1,234.5") == "\u22121.234,5", typeset("-0.00"), typeset("+3.0")
    (True, '0,00', '+3,0')
    """
    zero = not set(text) & set("123456789")
    return localised(text.lstrip("-") if zero else text.replace("-", "\u2212"), taal)


def shortest(value: float) -> str:
    """Text of a number as short as in its file: six digits, or all that a whole number has, without an exponent.

    Examples
    --------
    >>> shortest(0.25), shortest(2.0), shortest(1e-6), shortest(1_234_567.0)
    ('0.25', '2', '0.000001', '1234567')
    """
    text = f"{value:g}"
    if "e+" in text:
        return f"{value:.0f}"
    return f"{value:.12f}".rstrip("0") if "e-" in text else text


def written(value: float, taal: str = "nl") -> str:
    """Text of a number of a definition, as short as in its file; its minus is the file's, so that it can be copied.

    Examples
    --------
    >>> written(0.25), written(2.0), written(-0.5, "en")
    ('0,25', '2', '-0.5')
    """
    return localised(shortest(value), taal)
