import pytest
import torch

from colornb import lab, models, painted, scenes
from colornb.errors import ColornbError

TRAIN, TEST = (scenes.image_set(split, size=32, limit=12) for split in ("train", "test"))


def lab_of(images):
    return lab.rgb_to_lab(lab.to_float(images))


def test_a_network_paints_the_l_of_the_truth(tmp_path):
    torch.manual_seed(0)
    networks = {
        "unet": models.create_model("unet", width=0.125),
        "koalarization": models.create_model("koalarization", width=0.125, features=1000),
    }
    for name, network in networks.items():
        path = tmp_path / name
        models.save_weights(network, path, extractor="random", size="32")
        pictures = painted.paint(path, TEST)
        assert (pictures.dtype, pictures.shape) == (torch.uint8, TEST.images.shape)
        assert (lab_of(pictures)[:, 0] - lab_of(TEST.images)[:, 0]).abs().mean() < 1
    with pytest.raises(ColornbError, match="No weights at"):
        painted.paint(tmp_path / "missing", TEST)


def test_blurred_truth_is_further_away_the_more_it_is_blurred():
    controls = painted.truth_and_blurred(TEST)
    assert list(controls)[0] == "truth" and torch.equal(controls["truth"][0], TEST.images)
    true = lab_of(TEST.images)
    shift = [
        (lab_of(pictures) - true)[:, 1:].square().mean() for (pictures,) in controls.values()
    ]
    assert shift == sorted(shift) and shift[0] == 0 < shift[1]
    (most,) = controls["truth/blurred_4"]
    assert (lab_of(most) - true)[:, 0].abs().mean() < 1


def test_rows_without_a_network_have_one_picture_set_each():
    rows = painted.trivial(TEST, TRAIN, ("gray", "mean_ab"))
    assert list(rows) == ["baseline/gray", "baseline/mean_ab"]
    chroma = [lab_of(pictures)[:, 1:].norm(dim=1).mean() for (pictures,) in rows.values()]
    assert chroma[0] < 0.5 < chroma[1]
