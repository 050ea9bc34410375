"""What writes itself as one HTML page: an answer, a comparison, a difference."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import IO, Any, overload

from waterbodem.core.destination import destination
from waterbodem.core.files import write_whole


class Reported(ABC):
    """A page of a result: as text, as a file, or into a file that is open."""

    @abstractmethod
    def html(self, taal: str = "nl", *, kleuren: str = "landelijk") -> str:
        """Return the page as text: what :meth:`report` writes.

        Parameters
        ----------
        taal : {"nl", "en"}
        kleuren : {"landelijk", "kleurenblind"}
            Colours of the answer scale.
        """

    @overload
    def report(self, path: str | Path, taal: str = "nl", *, kleuren: str = "landelijk") -> Path: ...
    @overload
    def report(self, path: IO[Any], taal: str = "nl", *, kleuren: str = "landelijk") -> None: ...
    def report(self, path: str | Path | IO[Any], taal: str = "nl", *, kleuren: str = "landelijk") -> Path | None:
        """Write the page as one HTML file, whole or not at all; return its path.

        Parameters
        ----------
        path : str, Path or file that is open
            A file that is open, for bytes or for text, gets the page and stays open.
        taal : {"nl", "en"}
        kleuren : {"landelijk", "kleurenblind"}
            Colours of the answer scale.

        Raises
        ------
        WaterbodemError
            If the file cannot be written, or language or palette is not known.
        """
        if isinstance(path, (str, Path)):
            destination(path)  # before a page is made in vain
        return write_whole(path, self.html(taal, kleuren=kleuren).encode())
