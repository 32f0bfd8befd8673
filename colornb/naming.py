"""What a system is called in figures and tables, and which colour it has everywhere.

The colours are Okabe and Ito's palette and others that colour-blind readers can tell apart; the
trivial rows are gray.
"""

import re

SYSTEMS = {
    "baseline/gray": ("gray (a = b = 0)", None),
    "baseline/mean_ab": ("mean ab", "#5C5C5C"),
    "baseline/median_ab": ("median ab", "#A6A6A6"),
    "baseline/ab_given_l": ("E[ab | L]", "#3D3D3D"),
    "baseline/class_mean_ab": ("class-mean ab", None),
    "baseline/oracle_image_mean": ("oracle: the image's mean ab", None),
    "baseline/regression_gain": ("regression × chroma gain", None),
    "baseline/regression_matched": ("regression × gain, as colourful", None),
    "baseline/regression_matched_diffaugment_again": (
        "L1 only, quarter width × gain, as colourful as DiffAugment",
        None,
    ),
    "baseline/regression_matched_diffaugment_l1_25": (
        "L1 only, quarter width × gain, as colourful as DiffAugment, L1 × 25",
        None,
    ),
    "baseline/regression_matched_regularised": ("L1 only, regularised × gain, as colourful", None),
    "baseline/informed_gain": ("U-Net with maps, L1 × gain", "#E69F00"),
    "baseline/blind_gain": ("U-Net without maps, L1 × gain", "#0072B2"),
    "baseline/first_guess": ("first guess (kernel ridge)", None),
    "guided/l2": ("U-Net with maps and guess, L2", "#44AA99"),
    "guided/l2_both_ways": ("U-Net with maps and guess, L2, both ways", None),
    "guided/l2_mean": ("U-Nets with maps and guess, L2, their mean", None),
    "guided/l1_only": ("U-Net with maps and guess, L1", "#332288"),
    "guided/l1_weight_1000": ("GAN with maps and guess, L1 × 1,000", "#DDAA33"),
    "guided/l1_weight_300": ("GAN with maps and guess, L1 × 300", "#D55E00"),
    "guided/l1_weight_100": ("GAN with maps and guess, L1 × 100", "#882255"),
    "guided/blind_l1_only": ("short U-Net, L1", "#0072B2"),
    "guided/blind_l1_weight_1000": ("short GAN, L1 × 1,000", "#56B4E9"),
    "guided/blind_l1_weight_100": ("short GAN, L1 × 100", "#CC79A7"),
    "informed/blind_l2": ("U-Net without maps, L2", "#56B4E9"),
    "informed/blind_l1": ("U-Net without maps, L1", "#0072B2"),
    "informed/l2": ("U-Net with maps, L2", "#44AA99"),
    "informed/l1": ("U-Net with maps, L1", "#009E73"),
    "informed/distribution": ("U-Net with maps, distribution", "#332288"),
    "gan/default": ("U-Net + discriminator (GAN)", "#D55E00"),
    "gan/l1_only": ("U-Net, L1 only", "#0072B2"),
    "gan/l2_only": ("U-Net, L2 only", "#56B4E9"),
    "gan/scenes_l2": ("U-Net on scenes, L2", "#56B4E9"),
    "gan/scenes_l1": ("U-Net on scenes, L1", "#0072B2"),
    "gan/scenes_gan": ("U-Net on scenes, GAN", "#D55E00"),
    "gan/one_cycle": ("GAN, one-cycle rate", "#CC79A7"),
    "gan/one_step": ("GAN, as in the short trainings", "#E69F00"),
    "gan/one_step_l1_only": ("L1 only, as in the short trainings", "#332288"),
    "gan/equal_rates": ("GAN, equal rates", "#CC3311"),
    "gan/regularised": ("GAN, regularised", "#661100"),
    "gan/regularised_l1_only": ("L1 only, regularised", "#009E73"),
    "gan/narrow": ("GAN, quarter width", "#AA4499"),
    "gan/narrow_diffaugment": ("GAN, quarter width, DiffAugment", "#EE7733"),
    "gan/narrow_l1_only": ("L1 only, quarter width", "#56B4E9"),
    "gan/narrow_unconditional": ("GAN, quarter width, dropout, D without L", "#999933"),
    "gan/narrow_unconditional_diffaugment": (
        "GAN, quarter width, dropout, D without L, DiffAugment",
        "#004488",
    ),
    "gan/narrow_dropout_l1_only": ("L1 only, quarter width, dropout", "#0072B2"),
    "gan/narrow_regularised": (
        "GAN, quarter width, regularised, D without L, DiffAugment",
        "#EE3377",
    ),
    "gan/narrow_regularised_l1_only": ("L1 only, quarter width, regularised", "#117733"),
    "gan/narrow_diffaugment_again": ("GAN, quarter width, DiffAugment, trained anew", "#EE7733"),
    "gan/narrow_diffaugment_l1_25": ("GAN, quarter width, DiffAugment, L1 × 25", "#DDAA33"),
    "gan/narrow_l1_only_again": ("L1 only, quarter width, trained anew", "#56B4E9"),
    "gan/warm_start": ("GAN after L1 (warm start)", "#EE8866"),
    "gan/residual": ("GAN with residual blocks", "#882255"),
    "gan/edgenet": ("GAN with EdgeNet", "#117733"),
    "koalarization/default": ("Koalarization", "#009E73"),
    "koalarization/adversarial": ("Koalarization + discriminator", "#44AA99"),
    "koalarization/damped": ("Koalarization, damped", "#DDAA33"),
    "koalarization/maps": ("Koalarization with maps", "#332288"),
    "distribution/default": ("distribution, annealed mean", None),
    "distribution/unbalanced": ("distribution without rebalancing", "#AA7744"),
    "distribution/sampled": ("distribution, coherent sample", "#CC6677"),
    "distribution/sampled_rebalanced": ("sample, rebalanced", "#DDAA33"),
    "distribution/sampled_pixels": ("sample, each pixel apart", "#661100"),
    "distribution/variational": ("variational, a draw", "#999933"),
    "distribution/variational_z0": ("variational, z = 0", "#6B6B1F"),
    "distribution/koalarization": ("Koalarization with bins", None),
    "koalarization/with_features": ("Koalarization, shorter training", "#005F45"),
    "koalarization/no_features": ("Koalarization without features", "#E69F00"),
    "koalarization/scenes": ("Koalarization trained on scenes", "#CC79A7"),
    "reference/default": ("Reference of the same class", None),
    "reference/random": ("Random reference", "#997700"),
    "reference/one_colour": ("Palette of one colour", "#44AA99"),
    "reference/same_image": ("The picture's own palette (a leak)", None),
    "reference/mean_palette": ("Mean palette of the training set", None),
    "reference/other": ("Another reference than the one measured", None),
    "gan/scenes_edges": ("GAN on scenes, EdgeNet loss", "#117733"),
    "gan/scenes_boundaries": ("GAN on scenes, loss taught by masks", "#999933"),
    "gan/scenes_l1_edges": ("U-Net on scenes, L1 and EdgeNet loss", None),
    "truth": ("truth", "#1A1A1A"),
    "truth/edges": ("refined at the true boundaries", None),
    "truth/blurred_1": ("truth, chroma blurred by 1 pixel", "#777777"),
    "truth/blurred_2": ("truth, chroma blurred by 2 pixels", "#AAAAAA"),
    "truth/blurred_4": ("truth, chroma blurred by 4 pixels", "#CCCCCC"),
    "truth/faded": ("truth, half the chroma", "#555555"),
}
"""`system/variant` -> what figures and tables call it, and its colour, by default its system's."""

COLOURS = {system: tone for system, (_, tone) in SYSTEMS.items() if tone} | {
    "baseline": "#8A8A8A",
    "captioned": "#AA4499",
    "distribution": "#332288",
    "reference": "#DDCC77",
    "gan/short": "#D55E00",
    "gan/short_pictures": "#D55E00",
    "gan/short_many": "#882255",
    "gan/short_l1_only": "#0072B2",
    "gan/short_gan_only": "#661100",
    "gan/short_l1_weight_10": "#CC6677",
    "gan/short_l1_weight_30": "#E69F00",
    "gan/short_l1_weight_300": "#009E73",
    "gan/short_l1_weight_1000": "#56B4E9",
    # What is best under the distances that the networks of these colours minimise.
    **dict.fromkeys(("mean of the training cars", "mean of the training skies"), "#56B4E9"),
    **dict.fromkeys(("median of the training cars", "median of the training skies"), "#0072B2"),
}
"""Colours of systems, of all others of a family, and of lines with a label of their own."""
NAMES = {system: name for system, (name, _) in SYSTEMS.items()}
"""How a `system/variant` is called in figures and tables."""
NAMES |= {
    f"{system}_{way}": f"{NAMES[system]}, {name}"
    for system in ("gan/default", "gan/edgenet", "koalarization/default", "gan/scenes_gan")
    for way, name in {
        "refined": "refined",
        "refined_taught": "refined, taught by boundaries",
        "refined_lightness": "refined at edges of L",
        "blurred": "blurred",
    }.items()
}
for _variant, _network in (
    ("", "Captioned U-Net"),
    ("scenes_", "Captioned U-Net on scenes"),
    ("koalarization_", "Captioned Koalarization"),
):
    NAMES |= {
        f"captioned/{_variant.rstrip('_') or 'default'}": f"{_network}, own caption",
        f"captioned/{_variant}no_caption": f"{_network}, no caption",
        f"captioned/{_variant}class_only": f"{_network}, class alone",
        f"captioned/{_variant}wrong_colour": f"{_network}, wrong colour",
        f"captioned/{_variant}shuffled": f"{_network}, another picture's caption",
        f"captioned/{_variant.rstrip('_') or 'default'}_rest": f"{_network}, rest of the picture",
        f"baseline/{_variant}caption_mean_ab": "mean ab of the caption's word",
    }
    COLOURS |= {
        f"captioned/{_variant}wrong_colour": "#E69F00",
        f"captioned/{_variant}no_caption": "#8A8A8A",
    }

NAMES |= {
    f"{base}{_variation and '_'}{_variation}": f"{_system}, {_label}"
    for base, _system, _labels in (
        (
            "gan/short",
            "GAN",
            {
                "": "base",
                "l1_only": "L1 alone",
                "gan_only": "discriminator alone",
                **{f"l1_weight_{w}": f"L1 counts {w:,}" for w in (10, 30, 300, 1000)},
                "none_norm": "no norm",
                "instance_norm": "instance norm",
                "spectral_norm_d": "spectral norm in D",
                "instance_norm_d": "instance norm in D",
                "none_norm_d": "no norm in D",
                "unconditional": "D sees ab alone",
                "same_rate_d": "D learns at the same rate",
                "predicts_l": "predicts L as well",
                "gray_255": "gray comes as 0 to 255",
                "beta1_0": "Adam's β₁ 0",
                "early_floor": "rate falls early",
                "dropout": "dropout",
                "pictures": "pictures as they are",
                "many": "pictures of the larger set",
                "batch_statistics_50": "batch norm not switched, batches of 50",
                "batch_statistics_2": "batch norm not switched, batches of 2",
                "generator_steps_1": "one step of G a batch",
                "generator_steps_2": "two steps of G a batch",
                "half_epochs": "half the epochs",
                "double_epochs": "twice the epochs",
                "half_width": "half the width",
                "double_width": "twice the width",
                "mirroring": "pictures mirrored",
                "no_mirroring": "no picture mirrored",
                "one_cycle_rate": "one-cycle rate",
                "constant_rate": "constant rate",
            },
        ),
        (
            "koalarization/short",
            "Koalarization",
            {
                "": "base",
                "extractor_none": "no extractor",
                "extractor_random": "untrained extractor",
                "extractor_inception_resnet_v2": "Inception-ResNet-v2",
                "l1_loss": "L1",
                "huber_loss": "Huber",
                "public_upsampling": "the public code's decoder",
                "plain_features": "features as published",
                "damped_features": "features scaled down and dropped",
                "mirroring": "pictures mirrored",
                "no_mirroring": "no picture mirrored",
                "one_cycle_rate": "one-cycle rate",
                "constant_rate": "constant rate",
            },
        ),
    )
    for _variation, _label in _labels.items()
}

SEES = {
    "l": "L",
    "class": "L and the class",
    "caption": "L and a caption",
    "reference": "L and a reference",
    "answer": "part of the answer",
}

_OF_SIZES = {"pictures": "{:,} pictures", "many": "{:,} of the larger set"}


def called(system: str) -> str:
    """What figures and tables call a `system/variant`; itself if it has no name."""
    if sized := re.fullmatch(r"gan/short_(pictures|many)_(\d+)", system):
        return f"GAN, {_OF_SIZES[sized[1]].format(int(sized[2]))}"
    return NAMES.get(system, system)


def variation(system: str) -> str:
    """What a variation of an ablation changes, e.g. "no norm"; of others the whole name."""
    name = called(system)
    return name.partition(", ")[2] or name


def colour(system: str) -> str:
    """The colour of a `system/variant`, or of its system."""
    return COLOURS.get(system, COLOURS.get(system.split("/")[0], COLOURS["baseline"]))
