"""Arguments that are taken under both of their spellings: one functie or several, one gebied or several."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial, wraps
from types import FunctionType
from typing import Any, ParamSpec, TypeVar, cast

from waterbodem.core.errors import ArgumentError

P = ParamSpec("P")
R = TypeVar("R")

#: Each the other spelling of the one beside it.
OTHER = {"functie": "functies", "functies": "functie", "gebied": "gebieden", "gebieden": "gebied"}


def either_spelling(function: Callable[P, R]) -> Callable[P, R]:
    """A function that takes ``functie`` as ``functies`` too, and ``gebied`` as ``gebieden``, and the other way round.

    Examples
    --------
    >>> @either_spelling
    ... def folder(functie: str) -> str:
    ...     return functie
    >>> folder(functies="natte_natuur")
    'natte_natuur'
    """
    own = inspect.signature(function).parameters.keys()
    respell = partial(respelt, {OTHER[name]: name for name in own & OTHER.keys()})

    def taken(*args: Any, **given: Any) -> Any:
        return function(*args, **respell(given))

    # Doctest passes by what has the globals of another module.
    there = FunctionType(taken.__code__, function.__globals__, closure=taken.__closure__)
    return cast("Callable[P, R]", wraps(function)(there))


def respelt(others: dict[str, str], given: dict[str, Any]) -> dict[str, Any]:
    """Arguments under a function's own spelling.

    Raises
    ------
    ArgumentError
        If one is given under both.
    """
    for other, own in others.items():
        if other in given and own in given:
            raise ArgumentError("one argument under two spellings", value=[own, other], allowed=own, where=own)
    return {others.get(name, name): value for name, value in given.items()}
