from pathlib import Path

import pytest
import torch

from colornb import models
from colornb.errors import ColornbError, NotWrittenError
from colornb.models.informed import split


@pytest.fixture(scope="module")
def koalarization():
    return models.create_model("koalarization").eval()


def test_koalarization_has_the_published_shapes_and_size(koalarization):
    seen = {}
    koalarization.fusion.register_forward_hook(
        lambda layer, inputs, output: seen.update(fusion=tuple(inputs[0].shape))
    )
    with torch.no_grad():
        encoded = koalarization.encoder(torch.zeros(1, 1, 224, 224))
        ab = koalarization(torch.zeros(1, 1, 224, 224), torch.zeros(1, 1000))
    assert encoded.shape == (1, 256, 28, 28)
    assert seen["fusion"] == (1, 1256, 28, 28)
    assert ab.shape == (1, 2, 224, 224)
    assert models.parameter_count(koalarization) == 6_573_794


def test_the_decoder_doubles_after_its_first_third_and_fifth_convolution(koalarization):
    convolutions, doubled_after = 0, []
    for layer in koalarization.decoder:
        convolutions += isinstance(layer, torch.nn.Conv2d)
        if isinstance(layer, torch.nn.Upsample):
            doubled_after.append(convolutions)
    assert doubled_after == [1, 3, 5]


def test_koalarization_listens_to_its_features():
    network = models.create_model("koalarization", width=0.125).eval()
    l = torch.rand(1, 1, 32, 32) * 2 - 1
    with torch.no_grad():
        one, other = (network(l, torch.full((1, 1000), value)) for value in (0.0, 1.0))
    assert (one - other).abs().max() > 1e-4
    deaf = models.create_model("koalarization", features=0, width=0.125)
    assert deaf(l).shape == (1, 2, 32, 32)


def test_generator_has_the_published_shapes_and_size():
    generator = models.create_model("unet").eval()
    with torch.no_grad():
        levels = [tuple(x.shape[1:]) for x in generator.encode(torch.zeros(1, 1, 32, 32))]
        ab = generator(torch.zeros(1, 1, 32, 32))
    assert levels == [(64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (512, 2, 2)]
    assert ab.shape == (1, 2, 32, 32)
    assert round(models.parameter_count(generator) / 1e6, 2) == 16.65


def test_the_informed_unet_adds_each_map_where_the_encoder_has_its_size():
    network = models.create_model("informed", width=0.125).eval()
    l = torch.rand(2, 1, 32, 32) * 2 - 1
    maps = [torch.rand(2, c, s, s) for c, s in ((40, 16), (112, 8), (320, 4))]
    seen = torch.cat([one.flatten(1) for one in maps], dim=1)
    for ours, given in zip(split(seen), maps, strict=True):
        assert torch.equal(ours, given)
    outputs = network.encode((l, maps))
    assert [x.shape[-1] for x in outputs] == [32, 16, 8, 4, 2]
    blind = network.encode((l, []))
    assert torch.equal(outputs[0], blind[0])
    with torch.no_grad():
        torch.testing.assert_close(outputs[1] - blind[1], network.joins[0](maps[0]))
        ab = network(l, seen)
        assert ab.shape == (2, 2, 32, 32)
        assert (ab - network(l, torch.zeros_like(seen))).abs().max() > 1e-3
        bins = models.create_model("informed", width=0.125, head="bins").eval()
        assert bins(l, seen.half(), grid=(0, 1)).shape == (2, 313, 16, 16)


def test_placed_hears_at_each_place_what_the_maps_say_there(tmp_path):
    torch.manual_seed(0)
    network = models.create_model("placed", width=0.125, feature_dropout=0.5).eval()
    l = torch.rand(2, 1, 64, 64) * 2 - 1
    maps = [torch.rand(2, c, s, s) for c, s in ((40, 28), (112, 14), (320, 7))]
    seen = torch.cat([one.flatten(1) for one in maps], dim=1)
    heard = {}
    network.fusion.register_forward_hook(lambda layer, inputs, _: heard.update(joined=inputs[0]))
    with torch.no_grad():
        ab = network(l, seen.half())
        encoded = network.encoder(l)
    assert ab.shape == (2, 2, 64, 64)
    ours, *brought = heard["joined"].split((encoded.shape[1], 40, 112, 320), dim=1)
    torch.testing.assert_close(ours, encoded)
    for one, given in zip(brought, maps, strict=True):
        assert one.shape[2:] == encoded.shape[2:]
        torch.testing.assert_close(one.mean((2, 3)), given.mean((2, 3)), atol=0.02, rtol=0)
    changed = maps[0].clone()
    changed[:, :, 14:] = 0  # the lower half
    maps[0] = changed
    with torch.no_grad():
        network(l, torch.cat([one.flatten(1) for one in maps], dim=1).half())
    moved = (heard["joined"][:, ours.shape[1] :][:, :40] - brought[0]).abs().amax((0, 1, 3))
    assert moved[:3].max() == 0 and moved[-3:].min() > 0.5
    models.save_weights(network, tmp_path / "w.safetensors")
    again, _ = models.load_weights(tmp_path / "w.safetensors")
    assert models.takes_features(again) == "maps"
    with torch.no_grad():
        torch.testing.assert_close(again(l, seen.half()), ab)


def test_a_guess_joins_the_gray_picture(tmp_path):
    torch.manual_seed(0)
    network = models.create_model("informed", width=0.125, guess=True).eval()
    l, seen = torch.rand(2, 1, 32, 32) * 2 - 1, torch.rand(2, 22 * 32**2)
    guess = torch.full((2, 2, 4, 4), 28.0)
    inputs = []
    network.encoder[0].register_forward_pre_hook(lambda layer, args: inputs.append(args[0]))
    with torch.no_grad():
        ab, other = network(l, seen, guess), network(l, seen, -guess)
    assert torch.equal(inputs[0][:, :1], l)
    torch.testing.assert_close(inputs[0][:, 1:], torch.full((2, 2, 32, 32), 2.0))
    assert ab.shape == (2, 2, 32, 32) and (ab - other).abs().max() > 1e-3
    models.save_weights(network, tmp_path / "weights.safetensors")
    again, _ = models.load_weights(tmp_path / "weights.safetensors")
    with torch.no_grad():
        assert torch.equal(again.eval()(l, seen, guess), ab)


def test_the_maps_of_a_larger_picture_are_told_apart_as_well():
    shapes = [tuple(one.shape[1:]) for one in split(torch.zeros(1, 22 * 64**2))]
    assert shapes == [(40, 32, 32), (112, 16, 16), (320, 8, 8)]


def test_generator_output_does_not_depend_on_the_batch():
    generator = models.create_model("unet", width=0.125)
    l = torch.rand(8, 1, 32, 32) * 2 - 1
    generator.train()(l)  # moves the running statistics
    generator.eval()
    with torch.no_grad():
        torch.testing.assert_close(generator(l)[:1], generator(l[:1]), atol=1e-5, rtol=0)


def test_generator_uses_its_skips():
    generator = models.create_model("unet", width=0.125).eval()
    with torch.no_grad():
        for layer in generator.decoder:
            layer[0].weight.zero_()
        one, other = generator(torch.zeros(1, 1, 32, 32)), generator(torch.ones(1, 1, 32, 32))
    assert (one - other).abs().max() > 1e-3


def test_discriminator_gives_a_logit_that_depends_on_the_condition():
    discriminator = models.create_model("discriminator").eval()
    pictures = torch.rand(2, 3, 32, 32) * 2 - 1
    other = pictures.clone()
    other[:, 0] *= -1
    with torch.no_grad():
        assert discriminator(pictures).shape == (2, 1)
        assert (discriminator(pictures) - discriminator(other)).abs().max() > 1e-5


def test_names():
    assert set(models.list_models()) >= {"captioned", "discriminator", "koalarization", "unet"}
    assert models.list_models("k*") == ["koalarization"]
    with pytest.raises(ColornbError, match="there are: captioned, discriminator"):
        models.create_model("vgg")
    with pytest.raises(ColornbError, match="unet.*depth"):
        models.create_model("unet", depth=3)


def test_weights_that_cannot_be_written_leave_nothing_beside_them(tmp_path, monkeypatch):
    """Nor is there ever a second file, which who clears up would not know."""
    beside = []

    def full(file, written):
        with file.open("wb") as half:
            half.write(written[:1000])
        beside.extend(tmp_path.iterdir())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(NotWrittenError, match="No space left on device"):
        models.save_weights(models.create_model("edgenet"), tmp_path / "w.safetensors")
    (file,) = beside
    assert file.name.startswith("w.safetensors.") and file.name.endswith(".partial")
    assert not list(tmp_path.iterdir())


def test_weights_survive_a_file(tmp_path):
    network = models.create_model("unet", width=0.125).eval()
    path = tmp_path / "weights.safetensors"
    models.save_weights(network, path, extractor="none")
    loaded, header = models.load_weights(path)
    l = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        assert torch.equal(network(l), loaded(l))
    assert header["model"] == "unet" and header["extractor"] == "none"
    assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())


@pytest.mark.fault(
    "hostile",
    "A poisoned pickle, or any other file, in place of weights.",
    "It is refused in one sentence; nothing of it is executed.",
)
def test_a_pickle_or_another_file_is_refused_and_not_executed(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "executed"), "w"))

    path = tmp_path / "weights.safetensors"
    torch.save(Trap(), path)
    with pytest.raises(ColornbError, match="weights.safetensors is not a weights file"):
        models.load_weights(path)
    assert not (tmp_path / "executed").exists()
    with pytest.raises(ColornbError, match="No weights at .*train the model"):
        models.load_weights(tmp_path / "missing.safetensors")


@pytest.mark.parametrize("options", ['{"width": 0.125}', "[1]", "{"])
def test_weights_of_other_options_are_refused(tmp_path, options):
    from safetensors.torch import save_file

    path = tmp_path / "weights.safetensors"
    state = models.create_model("unet", width=0.25).state_dict()
    save_file(state, path, metadata={"model": "unet", "options": options})
    with pytest.raises(ColornbError, match="not a weights file"):
        models.load_weights(path)


def test_folding_the_vector_in_training_changes_nothing():
    network = models.create_model("koalarization", features=12, width=0.25)
    l, vector = torch.rand(2, 1, 32, 32) * 2 - 1, torch.randn(2, 12)
    folded, as_published = network.train()(l, vector), network.eval()(l, vector)
    torch.testing.assert_close(folded, as_published, atol=1e-6, rtol=1e-5)
