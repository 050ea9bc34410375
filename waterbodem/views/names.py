"""How polygons are named: equal names stay apart, and one that is a number reads as a name in a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from waterbodem.definitions.labels import isolated, short_name, texts


def distinct_names(names: Mapping[int, str], length: int, shown: Callable[[str], str] = str) -> dict[int, str]:
    """Return names by number, cut at a length; those that are then equal have their number, within that length.

    Parameters
    ----------
    names : mapping of int to str
    length : int
        Letters of a name at most.
    shown : callable
        How a name is set; the number beside it is not.

    Examples
    --------
    >>> distinct_names({1: "Woonwijk Veenrand-Oost", 2: "Woonwijk Veenrand-West", 3: "Es"}, 16)
    {1: 'Woonwijk… (nr 1)', 2: 'Woonwijk… (nr 2)', 3: 'Es'}
    """
    cut = {nr: short_name(name, length) for nr, name in names.items()}
    count = Counter(cut.values())
    return {
        nr: shown(cut[nr]) if count[cut[nr]] == 1 else _numbered(name, nr, length, shown) for nr, name in names.items()
    }


def _numbered(name: str, nr: int, length: int, shown: Callable[[str], str]) -> str:
    mark = f" (nr {nr})"
    return shown(short_name(name, max(1, length - len(mark)))) + mark


def name_in_sentence(name: str, taal: str = "nl", kind: str = "gebied") -> str:
    """Return a name for the middle of a sentence; a bare number says what it counts.

    Examples
    --------
    >>> name_in_sentence("Plan Es"), name_in_sentence("2"), name_in_sentence("2", "en")
    ('Plan Es', 'gebied 2', 'area 2')
    >>> name_in_sentence("2", kind="ontvanger")
    'ontvanger 2'
    """
    return str(texts(taal)["genummerd"][kind].format(n=name)) if name.isdecimal() else isolated(name)


def name_at_start(name: str, taal: str = "nl") -> str:
    """Return a name for the start of a sentence.

    Examples
    --------
    >>> name_at_start("'t Veld"), name_at_start("2")
    ("'t Veld", 'Gebied 2')
    """
    text = name_in_sentence(name, taal)
    return text[:1].upper() + text[1:] if name.isdecimal() else text
