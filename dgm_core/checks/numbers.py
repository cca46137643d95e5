"""Checks of plain numbers: whole, large enough, above 0."""

from operator import index


def counts(cure: str, **numbers: int) -> None:
    """Refuse a number that is not whole.

    Args:
        cure: what to do, after a colon.
        numbers: by name of the argument.

    Raises:
        TypeError: a number with a fraction, or of a type that may have one.
    """
    for name, number in numbers.items():
        try:
            index(number)
        except TypeError:
            raise TypeError(
                f"{name} is {number!r}, but a whole number is expected: {cure}"
            ) from None


def at_least(least: int | float, cure: str, **numbers: int | float) -> None:
    """Refuse a number that is too small, or not a number.

    Args:
        least: the smallest allowed.
        cure: what to do, after a colon.
        numbers: by name of the argument, or of what was counted.

    Raises:
        ValueError: a number below `least`, or NaN.
    """
    for name, number in numbers.items():
        if not number >= least:
            words = name.replace("__", " of ").replace("_", " " if "__" in name else "_")
            raise ValueError(f"{words} is {number}, but at least {least} is expected: {cure}")


def positive(cure: str, **numbers: int | float) -> None:
    """Refuse a number that is not above 0.

    Args:
        cure: what it is, after a colon.
        numbers: by name of the argument.

    Raises:
        ValueError: a number at or below 0, or NaN.
    """
    for name, number in numbers.items():
        if not number > 0:
            raise ValueError(f"{name} is {number}, but more than 0 is expected: {cure}")
