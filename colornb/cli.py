"""The command `colornb`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

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


@app.command()
def colorize(
    photos: Annotated[list[Path], typer.Argument(help="Photographs, gray or in colour.")],
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
        typer.Option(help="Of a distribution over colours: below 1 bolder, above 1 more varied."),
    ] = None,
    caption: Annotated[
        str, typer.Option(help="What a captioned model shall paint, e.g. 'a red automobile'.")
    ] = "",
    reference: Annotated[
        Path | None, typer.Option(help="A picture whose colours a referenced model shall take.")
    ] = None,
) -> None:
    """Colorize photographs of any size.

    Each becomes NAME-colorized.png, of the same size and in sRGB; with --samples,
    NAME-colorized-1.png and so on. Nothing is overwritten, and a bad file does not stop the others.

    The results keep what the EXIF data tell: date, camera, author, and the place if known.
    Take the place out before you show a picture of a private one.
    """
    from tqdm import tqdm

    from colornb.colorize import Wishes, colorize_files
    from colornb.images import read_image
    from colornb.paths import shown

    wishes = Wishes(
        caption=caption,
        reference=None if reference is None else read_image(reference),
        temperature=temperature,
    )
    failed = 0
    for source, written, problem in tqdm(
        colorize_files(photos, output, model, samples=samples, wishes=wishes),
        total=len(photos),
        unit="photo",
    ):
        failed += written is None
        for line in [f"{source}: {problem}"] if written is None else written:
            tqdm.write(shown(line))
    typer.echo(f"{len(photos) - failed} colorized, {failed} failed.")
    if failed:
        raise typer.Exit(1)


@data.command()
def fetch(
    name: Annotated[str, typer.Argument(help="Name of the data set: cifar10.")],
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
        typer.echo(f"{name:<10} {status:<8} {detail}")
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
    profile: Annotated[str, typer.Argument(help="The profile whose finished runs to publish.")],
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
        typer.Argument(metavar="[NAME]...", help="Names of the networks. By default all."),
    ] = None,
) -> None:
    """Put the weights of finished runs into the package, with what they score."""
    from colornb.weights import ship

    typer.echo(ship.ship(names or ()))


def main() -> None:
    """Entry point: a ColornbError is one sentence and exit code 1."""
    sys.stdout.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show
    try:
        app()
    except ColornbError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)
