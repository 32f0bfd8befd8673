"""How fast the study is: the rows of `make bench`, measured in one run on one machine.

Each row is a ratio of two measurements, where more is better: work per second of ours over
another's, or a budget over what was used. The way things are commonly done (Pillow, scikit-image
and DataLoader, kornia, the extractor within the epoch) is the other side.
"""

import json
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from colornb import baselines, colorize, datasets, features, lab, models, paths
from colornb.datasets import ImageSet
from colornb.device import choose
from colornb.files import replace_atomically
from colornb.records import environment
from colornb.study import parameters
from colornb.training import gan, koalarization
from colornb.training.run import make_fabric

CAP = 64 * 2**20
"""Bytes of memory for pictures in the row `streaming_memory`."""
PAUSE = 0.2
"""Seconds of rest before each timed call."""


@dataclass(frozen=True)
class Row:
    """One row; `low` and `high` are the range of `ratio` over the repeats."""

    name: str
    what: str
    ours: float
    other: float
    unit: str
    ratio: float
    low: float
    high: float
    goal: float
    met: bool


def row(
    name: str,
    what: str,
    unit: str,
    goal: float,
    ours: list[float],
    other: list[float],
    *,
    less_is_better: bool = False,
) -> Row:
    """A row from what was measured in each repeat: work per second, or what was used."""
    here, there = statistics.median(ours), statistics.median(other)
    pairs = [(here, there), *zip(ours, other, strict=True)]
    ratio, *ratios = [b / a if less_is_better else a / b for a, b in pairs]
    return Row(name, what, here, there, unit, ratio, min(ratios), max(ratios), goal, ratio >= goal)


def in_turns(repeats: int, *functions: Callable[[], object]) -> list[list[float]]:
    """Seconds of each function in each repeat; they take turns, after one call to warm up.

    Before each call is a pause: threads of one library wait for more work in a busy loop, which
    would slow the other's.
    """
    seconds: list[list[float]] = [[] for _ in functions]
    for turn in range(repeats + 1):
        for function, measured in zip(functions, seconds, strict=True):
            time.sleep(PAUSE)
            began = time.perf_counter()
            function()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if turn:
                measured.append(time.perf_counter() - began)
    return seconds


def per_second(work: float, *measured: list[float]) -> list[list[float]]:
    """Work per second from the seconds that it took in each repeat."""
    return [[work / seconds for seconds in repeats] for repeats in measured]


def matrix_peak(device: str, dtype: torch.dtype, repeats: int) -> float:
    """FLOP/s of the product of two large square matrices, the best of the repeats."""
    size = 8192 if device == "cuda" else 2048
    matrix = torch.randn(size, size).to(device, dtype)
    (seconds,) = in_turns(repeats, lambda: matrix @ matrix)
    return 2 * size**3 / min(seconds)


def training_flops(model: nn.Module, *inputs: Tensor) -> int:
    """FLOP of a training step: 6 per multiply-accumulate of the plain network's forward pass."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(*inputs)
    return 3 * counter.get_total_flops()


def koalarization_flops() -> int:
    """FLOP of a training step of the published network for one picture of 224 x 224."""
    inputs = torch.zeros(1, 1, 224, 224), torch.zeros(1, 1000)
    return training_flops(models.Koalarization(), *inputs)


def lab_rows(repeats: int, *, pictures: int = 50, size: int = 224) -> list[Row]:
    """sRGB to Lab in Mpx/s against scikit-image and, where it is installed, kornia."""
    from skimage.color import rgb2lab

    pixels = torch.randint(0, 256, (pictures, 3, size, size), dtype=torch.uint8)
    arrays = pixels.permute(0, 2, 3, 1).contiguous().numpy()
    rivals = {"lab_vs_skimage": ("scikit-image", 10, lambda: rgb2lab(arrays))}
    if find_spec("kornia"):
        from kornia.color import rgb_to_lab

        rivals["lab_vs_kornia"] = ("kornia", 1, lambda: rgb_to_lab(lab.to_float(pixels)))
    rows, work = [], pictures * size**2 / 1e6
    for name, (rival, goal, convert) in rivals.items():
        seconds = in_turns(repeats, lambda: lab.uint8_to_lab(pixels), convert)
        what = f"8-bit sRGB to Lab, {pictures} pictures of {size} x {size}, against {rival}"
        rows.append(row(name, what, "Mpx/s", goal, *per_second(work, *seconds)))
    return rows


class PillowAndScikitImage(torch.utils.data.Dataset):
    """The usual way to feed a colorizer: decode, squash and convert a picture whenever needed."""

    def __init__(self, files: Sequence[Path], size: int):
        self.files, self.size = files, size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        from skimage.color import rgb2lab

        with Image.open(self.files[i]) as image:
            square = image.convert("RGB").resize((self.size, self.size), Image.Resampling.LANCZOS)
        pixels = rgb2lab(np.asarray(square)).astype(np.float32)
        return pixels[..., :1] / 50 - 1, pixels[..., 1:] / lab.AB_SCALE


@contextmanager
def scratch():
    """Decoded pictures are kept in a folder that goes at the end, not in `data/cache/`."""
    former = paths.ROOT
    with TemporaryDirectory() as folder:
        paths.ROOT = Path(folder)
        try:
            yield
        finally:
            paths.ROOT = former


def pipeline_row(folder: str, repeats: int, *, size: int = 224, batch_size: int = 20) -> Row:
    """Pictures per second handed to a model as (L, ab), from the second epoch on."""
    with scratch():
        images = datasets.load("folder", root=folder, size=size).images
    files = sorted(Path(folder).iterdir())
    loader = torch.utils.data.DataLoader(
        PillowAndScikitImage(files, size), batch_size, num_workers=2, persistent_workers=True
    )

    def ours() -> None:
        for index in torch.randperm(len(images)).split(batch_size):
            lab.normalize(lab.uint8_to_lab(images[index]))

    def usual() -> None:
        for _ in loader:
            pass

    seconds = in_turns(repeats, ours, usual)
    what = f"pictures of {size} x {size} as (L, ab), against DataLoader, Pillow and scikit-image"
    return row("pipeline", what, "pictures/s", 8, *per_second(len(images), *seconds))


def save_pictures(images: ImageSet, folder: str | Path) -> None:
    """Writes pictures as JPEG files (quality 95, 4:4:4)."""
    for i, picture in enumerate(images.images):
        path = Path(folder) / f"{i:06}.jpg"
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(path, quality=95, subsampling=0)


def noise(count: int, size: int) -> ImageSet:
    """Noise: what pictures show does not change how long a step takes."""
    dice = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8, generator=dice)
    labels = torch.zeros(count, dtype=torch.int64)
    return ImageSet("noise", "train", pixels, labels, ("noise",), tuple(map(str, range(count))))


def _fit(family: str, images: ImageSet, folder: Path, **options) -> nn.Module:
    """Trains one of the two systems on the pictures, with a monitor that costs nothing."""
    monitor = images.subset(range(2))
    if family == "gan":
        return gan.fit(images, folder, monitor=monitor, **options)
    vectors = torch.zeros(len(images), 1000)
    return koalarization.fit(
        images,
        vectors,
        folder,
        monitor=monitor,
        monitor_features=vectors[:2],
        extractor="none",
        **options,
    )


def epoch_seconds(family: str, images: ImageSet, repeats: int, **options) -> list[float]:
    """Seconds of each epoch of a real training but the first."""
    with TemporaryDirectory() as folder:
        _fit(family, images, Path(folder), epochs=repeats + 1, **options)
        return pd.read_csv(Path(folder) / "history.csv")["seconds"].tolist()[1:]


def step_rows(repeats: int, *, width: float = 1.0) -> list[Row]:
    """Useful FLOP/s of training steps as they run, over the float32 matrix peak."""
    device, _ = choose()
    steps, rows = 100 if device == "cuda" else 2, []
    for name, step, family, network, inputs, batch_size, goal, options in (
        (
            "step_gan", "a step of the GAN's generator with L1 alone", "gan",
            models.UNetGenerator(width=width), [torch.zeros(1, 1, 32, 32)], 50, 0.85,
            {"adversarial_weight": 0.0, "generator_steps": 1},
        ),
        (
            "step_koalarization", "a step of Koalarization", "koalarization",
            models.Koalarization(width=width),
            [torch.zeros(1, 1, 224, 224), torch.zeros(1, 1000)], 20, 0.8, {},
        ),
    ):  # fmt: skip
        images = noise(steps * batch_size, inputs[0].shape[-1])
        options |= {"width": width, "batch_size": batch_size}
        seconds = epoch_seconds(family, images, repeats, **options)
        work = len(images) * training_flops(network, *inputs) / 1e9
        peak = matrix_peak(device, torch.float32, repeats) / 1e9
        what = f"{step} at batch {batch_size}, against a float32 matrix product"
        (speed,) = per_second(work, seconds)
        rows.append(row(name, what, "GFLOP/s", goal, speed, [peak] * repeats))
    return rows


def features_row(repeats: int, *, size: int = 224, batch_size: int = 20, width: float = 1.0) -> Row:
    """An epoch with Inception-ResNet-v2 in the loop over one with stored vectors."""
    import timm

    images = noise(2 * batch_size, size)
    extractor = features.frozen(timm.create_model("inception_resnet_v2", pretrained=False))
    stored = epoch_seconds("koalarization", images, repeats, width=width, batch_size=batch_size)
    # As it would run inside the loop, in the same precision.
    extractor = make_fabric("auto", "auto", 1, "auto").setup_module(extractor)
    (extraction,) = in_turns(repeats, lambda: features.logits(images.images, extractor))
    in_loop = [one + other for one, other in zip(stored, extraction, strict=True)]
    what = "pictures trained with stored vectors, against a step and an extraction together"
    return row("features", what, "pictures/s", 1.4, *per_second(len(images), stored, in_loop))


def time_to_mse_row(
    train: ImageSet, test: ImageSet, repeats: int, *, goal_mse: float = 0.00622, **options
) -> Row:
    """Seconds until a U-Net, trained with parameters of its chapter as `options`, has the report's
    MSE on the test pictures."""
    options["network_options"] = {name: options.pop(name) for name in gan.NETWORK}
    seconds, reached = [], []
    for seed in range(repeats):
        with TemporaryDirectory() as folder:
            began = time.perf_counter()
            model = _fit("gan", train, Path(folder), **options | {"seed": seed, "device": "cpu"})
            seconds.append(time.perf_counter() - began)
        painted = baselines.recolor(test.images, colorize.predict_ab(model, test.images))
        reached.append(float(((painted.float() - test.images.float()) / 255).square().mean()))
    what = (
        f"seconds on the CPU to MSE {goal_mse} on {len(test):,} test pictures of {test.name}; "
        f"reached {min(reached):.5f} to {max(reached):.5f}"
    )
    allowed = 120 if max(reached) <= goal_mse else 0
    return row("time_to_mse", what, "s", 1, seconds, [allowed] * repeats, less_is_better=True)


def linear_images_row(repeats: int, *, few: int = 500, many: int = 5000, **options) -> Row:
    """Cost per image of an epoch of the GAN with few pictures over that with many."""
    speed = [
        per_second(n, epoch_seconds("gan", noise(n, 32), repeats, **options))[0]
        for n in (many, few)
    ]
    what = f"an epoch of {many:,} pictures, against one of {few:,}"
    return row("linear_images", what, "pictures/s", 0.9, *speed)


def memory(kind: str) -> int:
    """Bytes of this process: `VmHWM`, the most it ever held, or `RssAnon`, what no file backs
    (Linux). Measured from within: what a parent sees of a child includes its own size."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(kind):
            return 1024 * int(line.split()[1])
    raise OSError(f"no {kind} in /proc/self/status")


def stream(folder: str, size: int) -> None:
    """Decodes a folder, goes through it in random batches, and prints by how many bytes memory
    grew at most; started by `streaming_row` in a process of its own."""
    lab.uint8_to_lab(torch.zeros(20, 3, size, size).byte())  # what any batch needs
    before, peak, done = memory("RssAnon"), 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.01):
            peak = max(peak, memory("RssAnon") - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with scratch():
        images = datasets.load("folder", root=folder, size=size).images
    for index in torch.randperm(len(images)).split(20):
        lab.normalize(lab.uint8_to_lab(images[index]))
    done.set()
    watcher.join()
    print(peak)


def streaming_row(folder: str, repeats: int, *, size: int = 224, cap: int = CAP) -> Row:
    """The cap over the peak memory of streaming ten times more pictures than it holds."""
    files, count = sorted(Path(folder).iterdir()), 10 * cap // (3 * size**2)
    with TemporaryDirectory() as many:
        for i in range(count):
            (Path(many) / f"{i:06}{files[i % len(files)].suffix}").symlink_to(files[i % len(files)])
        code = f"from colornb.bench import stream; stream({many!r}, {size})"
        used = []
        for _ in range(repeats):
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
            used.append(int(done.stdout) / 2**20)
    what = (
        f"memory that no file backs, beyond that at the start, while {count:,} pictures are "
        "decoded and read in random batches"
    )
    caps = [cap / 2**20] * repeats
    return row("streaming_memory", what, "MiB", 1, used, caps, less_is_better=True)


def photo_row(repeats: int, *, width: int = 6000, height: int = 4000) -> Row:
    """2 GiB over the peak memory of `colornb colorize` on a 24-megapixel photograph."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        ramp = np.linspace(0, 255, width, dtype=np.uint8)
        Image.fromarray(np.broadcast_to(ramp, (height, width)).copy()).save(folder / "photo.png")
        network = models.Koalarization(width=0.5)
        models.save_weights(network, folder / "w.safetensors", extractor=features.LITE0, size="224")
        code = (
            "from colornb import bench, cli\ntry:\n    cli.main()\n"
            "finally:\n    print(bench.memory('VmHWM'))"
        )
        command = [sys.executable, "-c", code, "colorize", folder / "photo.png"]
        command += ["--model", folder / "w.safetensors", "-o"]
        used = []
        for repeat in range(repeats):
            done = subprocess.run([*command, folder / str(repeat)], capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(done.stdout + done.stderr)
            used.append(int(done.stdout.split()[-1]) / 2**30)
    what = f"memory of `colornb colorize` on {width * height / 1e6:.0f} megapixels"
    return row("photo_24mp", what, "GiB", 1, used, [2.0] * repeats, less_is_better=True)


def ddp_row(*, size: int = 64) -> Row:
    """Whether two processes come to the loss of one with the same batches."""
    images, losses = noise(40, size), []
    for devices in (1, 2):
        with TemporaryDirectory() as folder:
            _fit(
                "koalarization", images, Path(folder), epochs=2, width=0.25, precision="32-true",
                device="cpu", devices=devices,
            )  # fmt: skip
            losses.append(float(pd.read_csv(Path(folder) / "history.csv")["mse_ab"].iloc[-1]))
    equal = abs(losses[0] - losses[1]) <= 1e-5
    what = "loss of two processes, against that of one with the same batches; 1 is equal to 1e-5"
    return Row("ddp", what, *losses[::-1], "MSE of ab / 110", *[float(equal)] * 3, 1, equal)


def gpu_rows(train: ImageSet, repeats: int) -> list[Row]:
    """What only a GPU shows: the report's trainings against a minute, and how busy it is."""
    rows = []
    for name, family, chapter, images in (
        ("gan_protocol", "gan", "03_gan", train),
        ("koalarization_protocol", "koalarization", "02_koalarization", noise(2000, 224)),
    ):
        options = parameters(chapter, "full", "default")
        # What belongs to the data or the network, and is at its default there.
        own = ("flip",) if family == "koalarization" else gan.NETWORK
        for other in ("hold_out", "extractor", *own):
            options.pop(other, None)
        used = []
        for _ in range(repeats):
            with TemporaryDirectory() as folder:
                began = time.perf_counter()
                _fit(family, images, Path(folder), **options)
                used.append(time.perf_counter() - began)
        what, minute = f"the report's training of {family} on data at hand", [60.0] * repeats
        rows.append(row(name, what, "s", 1, used, minute, less_is_better=True))
    images = noise(400, 224)
    seconds = epoch_seconds("koalarization", images, repeats, batch_size=20)
    (speed,) = per_second(len(images) * koalarization_flops() / 1e12, seconds)
    peak = matrix_peak("cuda", torch.bfloat16, repeats) / 1e12
    what = "a training step of koalarization, against a bfloat16 matrix product"
    return [*rows, row("mfu_koalarization", what, "TFLOP/s", 0.35, speed, [peak] * repeats)]


def powers_share(repeats: int, *, pictures: int = 50, size: int = 224) -> dict[str, float]:
    """Mpx/s of the conversion of 8-bit to Lab (`whole`), and of its three cube roots alone."""
    pixels = noise(pictures, size).images
    light = torch.rand(pictures, 3, size, size).clamp(min=0.01)

    def powers() -> None:
        for piece in light.flatten().split(3 * 2**17):
            piece.log2().mul_(1 / 3).exp2_()

    seconds = in_turns(repeats, lambda: lab.uint8_to_lab(pixels), powers)
    whole, alone = per_second(pictures * size**2 / 1e6, *seconds)
    return {"whole": statistics.median(whole), "powers": statistics.median(alone)}


def train_alone(threads: int, width: float, pictures: int) -> None:
    """A training of the GAN; started by `parallel` in a process of its own."""
    torch.set_num_threads(threads)
    print(statistics.median(epoch_seconds("gan", noise(pictures, 32), 3, width=width)))


def parallel(repeats: int, *, width: float, pictures: int) -> list[dict[str, str]]:
    """Two trainings of the GAN on so many pictures at once, with half of the threads each, and one
    with all."""
    threads = torch.get_num_threads()
    lines = []
    for at_once in (1, 2):
        each = max(1, threads // at_once)
        code = f"from colornb.bench import train_alone; train_alone({each}, {width}, {pictures})"
        seconds = []
        for _ in range(repeats):
            started = [
                subprocess.Popen(
                    [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
                )
                for _ in range(at_once)
            ]
            said = [process.communicate()[0] for process in started]
            seconds.append(max(map(float, said)))  # of a process that failed: not a number
        cost = statistics.median(seconds) / at_once
        name = f"{at_once} at once, {each} threads each"
        lines.append({"Trainings": name, "Seconds per epoch and training": f"{cost:.2f}"})
    return lines


def write(rows: list[Row], path: Path) -> None:
    """Stores the machine and the rows as `bench.json`."""
    machine = environment() | {"system": platform.platform()}
    text = json.dumps({"machine": machine, "rows": [asdict(r) for r in rows]}, indent=1) + "\n"
    replace_atomically(path, lambda partial: partial.write_text(text, encoding="utf8"))
