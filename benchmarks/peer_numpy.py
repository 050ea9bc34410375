"""numpy + rasterio: block windows in threads, every layer read once."""

from __future__ import annotations

import floor
import peer_rules as pr


def main() -> None:
    source, target, threads = pr.task()
    rules = pr.load(source)

    def work(_window: object, layers: pr.Arrays) -> pr.Arrays:
        return {
            f"{functie['id']}/{name}": values
            for functie in rules
            for name, values in zip(pr.MAPS, pr.maps(layers, functie), strict=True)
        }

    floor.by_window(pr.files(source), pr.names(rules), target, threads, work, columns=floor.TILE)


if __name__ == "__main__":
    main()
