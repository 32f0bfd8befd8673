"""The command `colornb`."""

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from colornb import __version__
from colornb.errors import ColornbError
from colornb.weights import SHIPPED

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Image colorization: data, trained models, and the results of the study.",
)
data = typer.Typer(no_args_is_help=True, help="Fetch and check the data sets.")
results = typer.Typer(no_args_is_help=True, help="The published results of the study.")
app.add_typer(data, name="data")
app.add_typer(results, name="results")


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"colornb {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_say_version, is_eager=True, help="Print the version and leave."
        ),
    ] = False,
) -> None:
    pass


@app.command()
def colorize(
    photos: Annotated[
        list[Path],
        typer.Argument(
            metavar="PHOTO...", help="Photographs, gray or in colour, and folders of them."
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the results.")],
    model: Annotated[
        str | None,
        typer.Option(
            help=f"One of {', '.join(SHIPPED)}, or the path of a run's `weights.safetensors`; by "
            "default the first, or the one that can do what the other options wish."
        ),
    ] = None,
    samples: Annotated[
        int,
        typer.Option(
            min=0, max=100, help="Draws of each photograph instead of the one best answer."
        ),
    ] = 0,
    temperature: Annotated[
        float | None,
        typer.Option(
            help="Of a distribution over colours: towards 0 its likeliest colour, higher mixes "
            "more of them; by default 0.38, and 1 with --samples."
        ),
    ] = None,
    caption: Annotated[
        str, typer.Option(help="What a captioned model shall paint, e.g. 'a red automobile'.")
    ] = "",
    reference: Annotated[
        Path | None, typer.Option(help="A picture whose colours a referenced model shall take.")
    ] = None,
    exif: Annotated[
        bool,
        typer.Option(
            "--exif/--no-exif",
            help="Keep what the EXIF data tell: date, camera, author, and the place if known.",
        ),
    ] = True,
    skip_existing: Annotated[
        bool,
        typer.Option(
            "--skip-existing", help="Pass over photographs whose results are in the folder."
        ),
    ] = False,
) -> None:
    """Colorize photographs of any size.

    Each becomes NAME-colorized.png, of the same size and in sRGB; with --samples,
    NAME-colorized-1.png and so on. Nothing is overwritten, and a bad file does not stop the others.

    Take the place out with --no-exif before you show a picture of a private one.
    """
    from tqdm import tqdm

    from colornb.colorize import Wishes, colorize_files, files_of, is_colorized
    from colornb.images import read_image
    from colornb.paths import shown

    files = files_of(photos)
    left = [f for f in files if not (skip_existing and is_colorized(output, f, samples))]
    namesakes = Counter(photo.stem for photo in set(files).difference(left))
    for stem, several in namesakes.items():
        if several > 1:
            typer.echo(
                f"{several} photographs called {shown(stem)} are passed over, but what is "
                "there is of one alone: colorize the others into another folder.",
                err=True,
            )
    wishes = Wishes(
        caption=caption,
        reference=None if reference is None else read_image(reference),
        temperature=temperature,
    )
    failed = 0
    options = {"samples": samples, "wishes": wishes, "exif": exif, "skip_existing": skip_existing}
    results = colorize_files(left, output, model, **options)
    for source, written, problem in tqdm(results, total=len(left), unit="photo", disable=None):
        if written is None:
            failed += 1
            named = problem.startswith(shown(source))
            tqdm.write(problem if named else f"{shown(source)}: {problem}", file=sys.stderr)
        for path in written or ():
            tqdm.write(shown(path))
    passed = f"{len(files) - len(left)} there already, " if skip_existing else ""
    typer.echo(f"{len(left) - failed} colorized, {passed}{failed} failed.")
    if failed:
        raise typer.Exit(1)


@data.command()
def fetch(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="cifar10, or cifar10_jpeg, which is made of it; of cats_dogs and bsds500 it says "
            "where to get them.",
        ),
    ],
) -> None:
    """Download a data set into the data folder and verify its checksum."""
    from colornb import datasets

    typer.echo(datasets.fetch(name))


@data.command()
def check() -> None:
    """Verify the data sets in the data folder (COLORNB_DATA, else data/)."""
    from colornb import datasets

    damaged = False
    for name, status, detail in datasets.check():
        typer.echo(f"{name:<12} {status:<8} {detail}")
        damaged |= status in ("damaged", "differs")
    if damaged:
        raise typer.Exit(1)


@results.command()
def verify() -> None:
    """Hash the published results again and compare them with their manifest."""
    from colornb import publish

    count = publish.verify()
    typer.echo(f"{count} published files are as the manifest says.")


@results.command("publish")
def publish_results(
    profile: Annotated[
        str, typer.Argument(metavar="PROFILE", help="The profile whose finished runs to publish.")
    ],
    chapters: Annotated[
        list[str] | None,
        typer.Option(
            "--chapter",
            help="Publish only this chapter, in the place of what is published of it; may be given "
            "more than once. By default all.",
        ),
    ] = None,
) -> None:
    """Put the records and executed chapters of a profile's runs into book/."""
    from colornb import publish

    typer.echo(publish.publish(profile, chapters or ()))


@results.command("ship")
def ship_weights(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Names of the networks. By default all."),
    ] = None,
) -> None:
    """Put the weights of finished runs into the package, with what they score."""
    from colornb.weights import ship

    typer.echo(ship.ship(names or ()))


def main() -> None:
    """Entry point: a ColornbError is one sentence and exit code 1."""
    for stream in (sys.stdout, sys.stderr):  # a name that the terminal cannot show
        stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except ColornbError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)
