"""Measures of what colorizations get wrong: colour bias, sepia, leaks, and what lies beyond them.

Each measure has two halves. A counting function takes pictures and returns `Counts` (see
`colornb.intervals`), sums for each image; a statistic makes the measure of their means, so that
every measure has an interval over images and training seeds, and paired differences. All colours
are CIE Lab of the uint8 pictures. A hue counts only where chroma is at least `HUE_CHROMA`.
"""

from colornb.metrics import METRICS, Metric

HUE_CHROMA = 10.0
"""Lab chroma below which a pixel has no hue to speak of."""
GREEN = (100.0, 160.0)
"""Hue angles in degrees that count as green."""

LIMITS = {
    "bias_amplification": Metric("Majority hue, painted / true pixels", "neither", ".2f", "ratio"),
    "majority_among_coloured": Metric(
        "Majority hue among coloured pixels, painted / true", "neither", ".2f", "ratio"
    ),
    "coloured_share": Metric("Object pixels with a hue", "neither", ".1%", "share"),
    "js_divergence": Metric("Jensen-Shannon divergence of colours (bits)", "lower", ".3f", "bit"),
    "rare_recall": Metric("Recall of rare colours (share)", "higher", ".1%", "share"),
    "texture_to_green": Metric("Turned green, rough minus smooth", "neither", "+.3f", "share"),
    "sepia_index": Metric("Sepia index", "neither", "+.3f", "share"),
    "mean_ab_projection": Metric("Mean ab along the training mean", "neither", ".2f", "ratio"),
    "blueness": Metric("Mean b", "neither", "+.1f", "Lab"),
    "boundary_error": Metric("ab error near boundaries", "lower", ".2f", "Lab"),
    "interior_error": Metric("ab error elsewhere", "lower", ".2f", "Lab"),
    "boundary_error_ratio": Metric("ab error, near / elsewhere", "lower", ".2f", "ratio"),
    "cdr": Metric("CDR", "higher", ".3f", "share"),
    "bleed_counted": Metric("Pictures painted in two colours", "neither", ".0%", "share"),
    "bleed_width": Metric("Bleed width (pixels)", "lower", ".2f", "px"),
    "ab_error": Metric("ab error", "lower", ".2f", "Lab"),
    "relative_error": Metric("ab error / that of gray", "lower", ".3f", "ratio"),
    "obedience": Metric("Object pixels in the asked hue", "higher", ".1%", "share"),
    "side_sensitivity": Metric("Moved by what it is told (ab)", "higher", ".2f", "Lab"),
    "output_diversity": Metric("ab distance of two pictures", "neither", ".2f", "Lab"),
    "reference_distance": Metric("Distance to the reference's palette", "lower", ".3f", "1"),
}
"""Name -> label, direction, number format and unit of the limitation measures, as in `METRICS`."""
MEASURES = METRICS | LIMITS
"""All that may stand in a record or a table of the study."""
