"""Cloud-optimised GeoTIFFs: layout, tiles and the writer."""
