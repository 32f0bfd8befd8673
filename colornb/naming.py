"""What a system is called in figures and tables, and which colour it has everywhere.

The colours are Okabe and Ito's palette and others that colour-blind readers can tell apart; the
trivial rows are gray.
"""

import re

COLOURS = {
    "gan/default": "#D55E00",
    "gan/l1_only": "#0072B2",
    "gan/l2_only": "#56B4E9",
    "gan/scenes_l2": "#56B4E9",
    "gan/scenes_l1": "#0072B2",
    "gan/scenes_gan": "#D55E00",
    "gan/scenes_edges": "#117733",
    "gan/scenes_boundaries": "#999933",
    "gan/one_cycle": "#CC79A7",
    "gan/one_step": "#E69F00",
    "gan/one_step_l1_only": "#332288",
    "gan/equal_rates": "#CC3311",
    "gan/regularised": "#661100",
    "gan/regularised_l1_only": "#009E73",
    "gan/narrow": "#AA4499",
    "gan/narrow_l1_only": "#56B4E9",
    "gan/narrow_diffaugment": "#EE7733",
    "gan/narrow_unconditional": "#999933",
    "gan/narrow_unconditional_diffaugment": "#004488",
    "gan/narrow_dropout_l1_only": "#0072B2",
    "gan/narrow_regularised": "#EE3377",
    "gan/narrow_regularised_l1_only": "#117733",
    "gan/narrow_diffaugment_again": "#EE7733",
    "gan/narrow_l1_only_again": "#56B4E9",
    "gan/warm_start": "#EE8866",
    "gan/residual": "#882255",
    "gan/short": "#D55E00",
    "gan/short_pictures": "#D55E00",
    "gan/short_many": "#882255",
    "gan/short_l1_only": "#0072B2",
    "gan/short_gan_only": "#661100",
    "gan/short_l1_weight_10": "#CC6677",
    "gan/short_l1_weight_30": "#E69F00",
    "gan/short_l1_weight_300": "#009E73",
    "gan/short_l1_weight_1000": "#56B4E9",
    "gan/edgenet": "#117733",
    "koalarization/default": "#009E73",
    "koalarization/adversarial": "#44AA99",
    "koalarization/damped": "#DDAA33",
    "koalarization/maps": "#332288",
    "distribution": "#332288",
    "distribution/unbalanced": "#AA7744",
    "distribution/sampled": "#CC6677",
    "distribution/sampled_rebalanced": "#DDAA33",
    "distribution/sampled_pixels": "#661100",
    "distribution/variational": "#999933",
    "distribution/variational_z0": "#6B6B1F",
    "informed/l2": "#44AA99",
    "informed/l1": "#009E73",
    "informed/blind_l2": "#56B4E9",
    "informed/blind_l1": "#0072B2",
    "baseline/blind_gain": "#0072B2",
    "informed/distribution": "#332288",
    "baseline/informed_gain": "#E69F00",
    "guided/l2": "#44AA99",
    "guided/l1_only": "#332288",
    "guided/l1_weight_1000": "#DDAA33",
    "guided/l1_weight_300": "#D55E00",
    "guided/l1_weight_100": "#882255",
    "guided/blind_l1_only": "#0072B2",
    "guided/blind_l1_weight_1000": "#56B4E9",
    "guided/blind_l1_weight_100": "#CC79A7",
    "captioned": "#AA4499",
    "reference": "#DDCC77",
    "reference/random": "#997700",
    "reference/one_colour": "#44AA99",
    "koalarization/with_features": "#005F45",
    "koalarization/no_features": "#E69F00",
    "baseline/mean_ab": "#5C5C5C",
    "baseline/median_ab": "#A6A6A6",
    "baseline/ab_given_l": "#3D3D3D",
    "koalarization/scenes": "#CC79A7",
    "baseline": "#8A8A8A",
    "truth": "#1A1A1A",
    "truth/blurred_1": "#777777",
    "truth/blurred_2": "#AAAAAA",
    "truth/blurred_4": "#CCCCCC",
    "truth/faded": "#555555",
    # What is best under the distances that the networks of these colours minimise.
    **dict.fromkeys(("mean of the training cars", "mean of the training skies"), "#56B4E9"),
    **dict.fromkeys(("median of the training cars", "median of the training skies"), "#0072B2"),
}

NAMES = {
    "baseline/gray": "gray (a = b = 0)",
    "baseline/mean_ab": "mean ab",
    "baseline/median_ab": "median ab",
    "baseline/ab_given_l": "E[ab | L]",
    "baseline/class_mean_ab": "class-mean ab",
    "baseline/oracle_image_mean": "oracle: the image's mean ab",
    "baseline/regression_gain": "regression × chroma gain",
    "baseline/regression_matched": "regression × gain, as colourful",
    "baseline/regression_matched_narrow": "L1 only, quarter width × gain, as colourful",
    "baseline/regression_matched_regularised": "L1 only, regularised × gain, as colourful",
    "baseline/informed_gain": "U-Net with maps, L1 × gain",
    "baseline/blind_gain": "U-Net without maps, L1 × gain",
    "baseline/first_guess": "first guess (kernel ridge)",
    "guided/l2": "U-Net with maps and guess, L2",
    "guided/l2_both_ways": "U-Net with maps and guess, L2, both ways",
    "guided/l2_mean": "U-Nets with maps and guess, L2, their mean",
    "guided/l1_only": "U-Net with maps and guess, L1",
    "guided/l1_weight_1000": "GAN with maps and guess, L1 × 1,000",
    "guided/l1_weight_300": "GAN with maps and guess, L1 × 300",
    "guided/l1_weight_100": "GAN with maps and guess, L1 × 100",
    "guided/blind_l1_only": "short U-Net, L1",
    "guided/blind_l1_weight_1000": "short GAN, L1 × 1,000",
    "guided/blind_l1_weight_100": "short GAN, L1 × 100",
    "informed/blind_l2": "U-Net without maps, L2",
    "informed/blind_l1": "U-Net without maps, L1",
    "informed/l2": "U-Net with maps, L2",
    "informed/l1": "U-Net with maps, L1",
    "informed/distribution": "U-Net with maps, distribution",
    "gan/default": "U-Net + discriminator (GAN)",
    "gan/l1_only": "U-Net, L1 only",
    "gan/l2_only": "U-Net, L2 only",
    "gan/scenes_l2": "U-Net on scenes, L2",
    "gan/scenes_l1": "U-Net on scenes, L1",
    "gan/scenes_gan": "U-Net on scenes, GAN",
    "gan/one_cycle": "GAN, one-cycle rate",
    "gan/one_step": "GAN, as in the short trainings",
    "gan/one_step_l1_only": "L1 only, as in the short trainings",
    "gan/equal_rates": "GAN, equal rates",
    "gan/regularised": "GAN, regularised",
    "gan/regularised_l1_only": "L1 only, regularised",
    "gan/narrow": "GAN, quarter width",
    "gan/narrow_diffaugment": "GAN, quarter width, DiffAugment",
    "gan/narrow_l1_only": "L1 only, quarter width",
    "gan/narrow_unconditional": "GAN, quarter width, dropout, D without L",
    "gan/narrow_unconditional_diffaugment": "GAN, quarter width, dropout, D without L, DiffAugment",
    "gan/narrow_dropout_l1_only": "L1 only, quarter width, dropout",
    "gan/narrow_regularised": "GAN, quarter width, regularised, D without L, DiffAugment",
    "gan/narrow_regularised_l1_only": "L1 only, quarter width, regularised",
    "gan/narrow_diffaugment_again": "GAN, quarter width, DiffAugment, trained anew",
    "gan/narrow_l1_only_again": "L1 only, quarter width, trained anew",
    "gan/warm_start": "GAN after L1 (warm start)",
    "gan/residual": "GAN with residual blocks",
    "gan/edgenet": "GAN with EdgeNet",
    "koalarization/default": "Koalarization",
    "koalarization/adversarial": "Koalarization + discriminator",
    "koalarization/damped": "Koalarization, damped",
    "koalarization/maps": "Koalarization with maps",
    "distribution/default": "distribution, annealed mean",
    "distribution/unbalanced": "distribution without rebalancing",
    "distribution/sampled": "distribution, coherent sample",
    "distribution/sampled_rebalanced": "sample, rebalanced",
    "distribution/sampled_pixels": "sample, each pixel apart",
    "distribution/variational": "variational, a draw",
    "distribution/variational_z0": "variational, z = 0",
    "distribution/koalarization": "Koalarization with bins",
    "koalarization/with_features": "Koalarization, shorter training",
    "koalarization/no_features": "Koalarization without features",
    "koalarization/scenes": "Koalarization trained on scenes",
    "reference/default": "Reference of the same class",
    "reference/random": "Random reference",
    "reference/one_colour": "Palette of one colour",
    "reference/same_image": "The picture's own palette (a leak)",
    "reference/mean_palette": "Mean palette of the training set",
    "reference/other": "Another reference than the one measured",
    "gan/scenes_edges": "GAN on scenes, EdgeNet loss",
    "gan/scenes_boundaries": "GAN on scenes, loss taught by masks",
    "gan/scenes_l1_edges": "U-Net on scenes, L1 and EdgeNet loss",
    "truth": "truth",
    "truth/edges": "refined at the true boundaries",
    "truth/blurred_1": "truth, chroma blurred by 1 pixel",
    "truth/blurred_2": "truth, chroma blurred by 2 pixels",
    "truth/blurred_4": "truth, chroma blurred by 4 pixels",
    "truth/faded": "truth, half the chroma",
}
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
