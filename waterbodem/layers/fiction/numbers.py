"""The numbers of the built-in fictitious area: fiction, so without sources, but each explained.

Lengths and depths in metres unless said otherwise. Axes: *across* points ENE, *along* NNW, the
direction of the main ridge; both start at the centre of the default area.
"""

from __future__ import annotations

from typing import NamedTuple

CRS = "EPSG:28992"

#: Centre of the default area, RD x and y [m]; also the origin of all noise.
CENTRE = (239012.0, 553480.0)

#: The layers in the order in which the kernel fills them.
LAYERS = (
    "zettingsgevoeligheid",
    "wateroverlast",
    "droogte",
    "keileemdiepte",
    "kwel",
    "ghg",
    "gvg",
    "glg",
    "veendikte",
    "beekdal",
    "maaiveld",
    "wateroverlast@2050Hd",
    "droogte@2050Hd",
    "grondwaterbescherming",
    "natuur",
    "inundatie",
    "gebruik",
    "water",
    "inundatie@2050Hd",
)

#: Noise fields: the first seven take a fixed form near the centre (see ``_home`` in the kernel).
FIELDS = (
    "valley",  # main valleys lie on its zero line
    "branch",  # tributaries lie on two of its contour lines
    "ridge",  # high = ridge without keileem
    "bog",  # high = reclaimed raised bog
    "built",  # high = built-up, not mapped
    "strip",  # near zero = outside the flood model
    "patch",  # very high or low = gaps in other layers
    "till",  # undulation of the top of the keileem
    "gaps",  # high = window in the keileem
    "relief",  # micro-relief of the surface
)


class Octave(NamedTuple):
    """One layer of gradient noise; rotations are exact ratios, so no machine rounds them."""

    field: str
    wavelength: float
    amplitude: float = 1.0
    stretch: float = 1.0
    rotation: tuple[int, int, int] = (35, 12, 37)


#: The broad forms, one octave per home field.
BROAD = (
    Octave("valley", 5600, stretch=1.6),
    Octave("branch", 2300),
    Octave("ridge", 5200, stretch=3.2),
    Octave("bog", 9000, stretch=1.3),
    Octave("built", 1900),
    Octave("strip", 9000, rotation=(4, 3, 5)),
    Octave("patch", 3100, rotation=(3, 4, 5)),
)

#: What makes the broad forms irregular, and the fields that have no broad form.
FINE = (
    Octave("valley", 1500, 0.14, rotation=(4, 3, 5)),
    Octave("valley", 520, 0.055, rotation=(5, 12, 13)),
    Octave("valley", 190, 0.02, rotation=(15, 8, 17)),
    Octave("branch", 640, 0.20, rotation=(12, 5, 13)),
    Octave("branch", 230, 0.06, rotation=(20, 21, 29)),
    Octave("ridge", 1400, 0.24, 1.4),
    Octave("ridge", 430, 0.16, rotation=(21, 20, 29)),
    Octave("ridge", 140, 0.06, rotation=(4, 3, 5)),
    Octave("bog", 800, 0.22, rotation=(24, 7, 25)),
    Octave("built", 260, 0.45, rotation=(24, 7, 25)),
    Octave("strip", 700, 0.10, rotation=(12, 5, 13)),
    Octave("patch", 330, 0.40, rotation=(8, 15, 17)),
    Octave("till", 760, 0.8, rotation=(7, 24, 25)),
    Octave("till", 210, 0.45, rotation=(12, 35, 37)),
    Octave("gaps", 1150, 0.9, rotation=(28, 45, 53)),
    Octave("gaps", 300, 0.35, rotation=(9, 40, 41)),
    Octave("relief", 310, 0.7, rotation=(40, 9, 41)),
    Octave("relief", 115, 0.5, rotation=(3, 4, 5)),
    Octave("relief", 44, 0.3, rotation=(15, 8, 17)),
)


class Fiction(NamedTuple):
    """Widths, depths, levels and borders of the fictitious landscape."""

    # The fixed arrangement near the centre, from WSW to ENE: plateau, valley, ridge, bog.
    home_full: float = 1500.0  # up to this distance the arrangement is fixed
    home_end: float = 4200.0  # from this distance on only noise speaks
    home_valley: float = 93.0  # across: the stream
    home_ridge: float = 450.0  # across: the ridge
    home_ridge_width: float = 170.0  # half-width at half height
    home_bog: float = 700.0  # across: edge of the reclaimed bog
    # Valleys
    valley_width: float = 185.0  # half-width of a main valley
    branch_width: float = 85.0  # half-width of a tributary at its mouth
    branch_reach: float = 1500.0  # distance from the main valley where tributaries begin
    branch_level: float = -1.3  # contour of the field that tributaries on the other side follow
    beekdal_from: float = 0.30  # valley share from which a cell is beekdal
    incision: float = 2.4  # depth of the valley floor below the land around it
    # Ridges and bogs: values of their field where the form begins and is complete
    ridge_from: float = 0.45
    ridge_full: float = 1.55
    ridge_height: float = 4.5
    bog_from: float = 0.35
    bog_full: float = 0.75
    bog_east: float = 0.55  # bogs are commoner in the east, by this much per 32 km
    plot_width: float = 95.0  # an allotment of the veenkolonie
    plot_length: float = 410.0
    bog_peat: float = 0.55  # thickest peat left after reclamation
    # Keileem
    till_depth: float = 1.15  # mean depth of its top on the plateau
    till_wave: float = 0.55  # undulation of its top
    till_dip: float = 2.6  # how far it dips towards its edge
    till_least: float = 0.3  # cover sand is never thinner
    till_edge: float = 0.40  # presence below which it is absent
    # Water
    kwel_valley: float = 2.3  # upward flux in the middle of a valley [mm/d]
    kwel_foot: float = 0.5  # upward flux at the foot of a ridge [mm/d]
    loss_plateau: float = 0.3  # downward flux on the plateau [mm/d]
    loss_ridge: float = 0.9  # more of it on a ridge [mm/d]
    loss_gap: float = 0.35  # more of it where keileem is absent [mm/d]
    peat_valley: float = 1.9  # thickest peat in a valley
    hollow_peat: float = 0.9  # thickest peat in a hollow
    ghg_plateau: float = 1.0  # GHG on the plateau where keileem is deep
    ghg_ridge: float = 3.4  # how much deeper on the ridge
    ghg_valley: float = 0.08  # GHG on the valley floor
    ghg_bog: float = 0.55  # GHG in the reclaimed bog
    hollow_depth: float = 1.3  # deepest hollow
    flood_depth: float = 1.7  # rise of the T100 flood per valley share
    flood_from: float = 0.5  # valley share from which brooks flood
    stream_width: float = 5.0  # half the width of a main stream
    brook_width: float = 3.0  # half the width of a tributary
    ditch_width: float = 4.0  # half the width of a main ditch
    ditch_spacing: float = 160.0  # main ditches across a valley
    canal_width: float = 8.0  # half the width of a canal in the bog
    pool_from: float = 0.8  # depth of a hollow, as a share, from which water stands in it
    # Use
    village_from: float = 0.95  # value of the built-up field from which there are houses
    parcel_width: float = 170.0  # a parcel of the plateau
    parcel_length: float = 290.0
    road_width: float = 6.0  # half the width of a provincial road with its verges
    # Climate 2050, KNMI'23 high and dry
    rain_factor: float = 1.35  # on the depth of water
    rain_rise: float = 0.025  # water comes this much higher in every puddle
    drought_factor: float = 1.3  # on the yield loss
    drought_rise: float = 2.5  # yield loss to come on top [%]
    flood_factor: float = 1.1  # on the depth of a flooding brook
    flood_rise: float = 0.05  # and the water comes this much higher
    # Parts that were not mapped: values of the field beyond which a layer is unknown
    built_from: float = 1.3
    strip_width: float = 0.022
    patch_high: float = 1.35
    patch_low: float = -1.45
