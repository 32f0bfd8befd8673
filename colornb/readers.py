"""Networks that read captions, tried on a test set: what they paint under captions and controls."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from colornb import baselines, captions, figures, intervals, measured, painted, records, scenes
from colornb.datasets import ImageSet
from colornb.limits import colour, regions
from colornb.measured import Measured
from colornb.painted import Painted
from colornb.study import StudyRun
from colornb.training import captioned

CARS = ("automobile", "car")
ASKED = 200
"""Pictures of a test set that are asked to take other colours, at most about twice as many."""


@dataclass(frozen=True)
class Reader:
    """A captioned network of several training seeds, and the pictures it is tried on.

    Attributes:
        run, variant: it is `captioned/VARIANT` of that run.
        train, test: the pictures.
        exact: captions and objects are those of drawn scenes; otherwise captions are
            `captions.by_rule`, and the central half of a picture stands for its object.
        weights: a file for each seed.
        about: epochs and width of the trainings, and the extractor, for the records.
        asked_classes: classes whose pictures are asked to take other colours; none are all.
    """

    run: StudyRun
    variant: str
    train: ImageSet
    test: ImageSet
    exact: bool
    weights: Sequence[Path]
    about: Mapping[str, Any]
    asked_classes: Sequence[str] = ()

    @classmethod
    def fit(
        cls,
        run: StudyRun,
        variant: str,
        images: str,
        *,
        epochs: int,
        width: float,
        batch_size: int = 50,
        exact: bool = False,
        asked_classes: Sequence[str] = (),
        koalarization: Mapping[str, Any] | None = None,
    ) -> "Reader":
        """Trains the run's `seeds` of a network on the pictures that the study calls `images`, on
        scenes also with their objects in other hues (`training.captioned.recoloured`); see
        `training.captioned.fit` for the rest."""
        train, test = run.load("train", images), run.load("test", images)
        folders = [
            records.place(run, test, f"captioned/{variant}", seed)
            for seed in range(run.parameters["seeds"])
        ]
        weights = [folder / "weights.safetensors" for folder in folders]
        about = {"epochs": epochs, "width": width}
        if koalarization:
            about["extractor"] = koalarization["extractor"]
        reader = cls(run, variant, train, test, exact, weights, about, asked_classes)
        learned = captioned.recoloured(train) if exact else train
        for seed, folder in enumerate(folders):
            captioned.fit(
                learned,
                reader.texts(learned),
                folder,
                monitor=test.subset(range(10)),
                seed=seed,
                epochs=epochs,
                width=width,
                batch_size=batch_size,
                koalarization=koalarization,
            )
        return reader

    def texts(self, images: ImageSet) -> list[str]:
        """The captions of pictures."""
        return captions.of(images) if self.exact else captions.by_rule(images)

    def objects(self, images: ImageSet) -> Tensor:
        """Where a picture's object is: bool (N, H, W)."""
        return images.masks == scenes.OBJECT if self.exact else colour.centre(images.images)

    def named(self, telling: str = "own") -> str:
        """`system/variant` of the network under one of `captions.SEES`."""
        if telling == "own":
            return f"captioned/{self.variant}"
        return f"captioned/{self.variant}_{telling}".replace("default_", "")

    @property
    def tellings(self) -> list[str]:
        """Its `named` under each of `captions.SEES`."""
        return [self.named(telling) for telling in captions.SEES]

    def paint(self, images: ImageSet, texts: Sequence[str]) -> list[Tensor]:
        """What each seed makes of pictures under captions."""
        return painted.paint_each(self.weights, images, captions.encode(texts))

    @cached_property
    def hues(self) -> list[str]:
        """The hues asked: all in scenes, else the four that training captions name most."""
        said = Counter(map(captions.object_colour, self.texts(self.train)))
        often = sorted(captions.HUES, key=lambda hue: -said[hue])
        return [hue for hue in captions.HUES if self.exact or hue in often[:4]]

    @cached_property
    def asked(self) -> ImageSet:
        """Test pictures that are asked to take other colours: of the classes asked, or of all
        those whose object is neither white nor black, at even distances in the set."""
        if self.asked_classes:
            member = torch.tensor([c in self.asked_classes for c in self.test.classes])
            fit = member[self.test.labels].numpy()
        else:
            own = map(captions.object_colour, self.texts(self.test))
            fit = np.array([word not in ("white", "black") for word in own])
        some = np.flatnonzero(fit)
        return self.test.subset(some[:: max(1, len(some) // ASKED)])

    @cached_property
    def obeyed(self) -> Measured:
        """The measure `obedience` on the pictures asked, under captions and their controls."""
        counts = captions.count_obedience(
            partial(self.paint, self.asked),
            self.texts(self.asked),
            self.hues,
            self.objects(self.asked),
        )
        counts = {self.named(telling): one for telling, one in counts.items()}
        return Measured(counts, {"obedience": captions.obedience}, self.test.name)

    def gain(self) -> dict[str, Any]:
        """Obedience minus that with a wrong colour word."""
        pair = self.named(), self.named("wrong_colour")
        return self.obeyed.difference(*pair, "obedience", same_training=True)

    def by_novelty(self) -> dict[str, dict[str, Any]]:
        """Obedience in scenes where the class and the hue go together as scenes are drawn, where
        training has them together only as `training.captioned.recoloured` makes it, and of all
        objects off their edges."""
        together = np.array(
            [
                [hue in scenes.SHARES[self.asked.classes[label]] for hue in self.hues]
                for label in self.asked.labels
            ]
        )
        counts = self.obeyed.counts[self.named()]
        found = {
            part: intervals.estimate(
                [{key: values * chosen for key, values in one.items()} for one in counts],
                captions.obedience,
            )
            for part, chosen in (("drawn so", together), ("only recoloured", ~together))
        }
        return found | {"off its edge": intervals.estimate(counts, captions.obedience_inside)}

    def words(self) -> dict[str, str]:
        """A row of a table: how often training captions name each colour."""
        said = [captions.object_colour(text) for text in self.texts(self.train)]
        shares = {word: f"{said.count(word) / len(said):.0%}" for word in captions.COLOURS}
        return {"Training captions of": self.train.name, **shares}

    def by_hue(self) -> figures.Picture:
        """Obedience to each hue, asked and not, with the run's table `hues_VARIANT`."""
        shown = [self.named(telling) for telling in ("own", "wrong_colour", "no_caption")]
        lines = self.obeyed.curves(captions.obedience_by_colour, shown)
        labels = {"y": "object pixels in that hue", "ideal": 1}
        return measured.draw_kinds(self.run, f"hues_{self.variant}", lines, self.hues, **labels)

    def on_request(self, n: int) -> figures.Picture:
        """Pictures at even ranks of the first seed's obedience, painted without a caption and in
        every hue asked; those of `CARS`, if there are any, or of all."""
        share = captions.obedience(self.obeyed.counts[self.named()][0])
        of_class = np.array([c in CARS for c in self.asked.classes])[self.asked.labels]
        if of_class.any():
            share = np.where(of_class, share, np.nan)
        ranks = figures.even_ranks(share, n)
        some = self.asked.subset(ranks)
        texts = {"no caption": [""] * len(some)}
        texts |= {f"“{hue}”": captions.ask(self.texts(some), hue) for hue in self.hues}
        rows = {name: self.paint(some, told)[0] for name, told in texts.items()}
        titles = [f"{share[i]:.0%}" for i in ranks]
        return figures.beside_truth(some.images, rows, titles=titles)

    @cached_property
    def made(self) -> Painted:
        """The test set as it paints it under each of `captions.SEES`; beside it, for pictures
        without exact captions, the mean colour that training pictures with the same colour word
        have."""
        told = captions.tellings(self.texts(self.test))
        made = {self.named(telling): self.paint(self.test, told[telling]) for telling in told}
        return made if self.exact else made | {self._mean_row: [self._mean_of_word()]}

    def measure(self) -> Measured:
        """Writes the records of what was `made`, and returns `side_sensitivity`: how far (ab) an
        object's colour moves from the own caption to one with a wrong colour, under its name, and
        the rest of the picture's, under the name with `_rest`."""
        about = {self.named(k): {"sees": sees} | self.about for k, sees in captions.SEES.items()}
        about[self._mean_row] = {"sees": "caption"}
        pairs = [self.made[self.named(telling)] for telling in ("own", "wrong_colour")]
        where = self.objects(self.test)
        moved = Measured(
            {
                name: [regions.count_error(*pair, part) for pair in zip(*pairs, strict=True)]
                for name, part in ((self.named(), where), (f"{self.named()}_rest", ~where))
            },
            {"side_sensitivity": regions.ab_error},
            self.test.name,
        )
        sets = self.test, self.train
        measured.record(self.run, self.made, *sets, about)
        for found in (self.obeyed, moved):
            measured.keep(self.run, self.made, found, *sets)
        return moved

    @property
    def _mean_row(self) -> str:
        return self.named("caption_mean_ab").replace("captioned/", "baseline/")

    def _mean_of_word(self) -> Tensor:
        """Test pictures in the mean colour of the training pictures with their colour word."""
        number, asked = captions.COLOURS.index, captions.object_colour
        train, test = (
            torch.tensor([number(asked(text)) for text in self.texts(images)])
            for images in (self.train, self.test)
        )
        fitted = baselines.fit(self.train.images, train, len(captions.COLOURS))
        return fitted.predict("class_mean_ab", self.test.images, test)

    def rows(self) -> dict[str, list[Path]]:
        """`system/variant` -> folders of the records that `measure` wrote, one for each seed."""
        found = records.under(self.run.folder / "records" / records.group(self.test))
        names = [*self.tellings, *([] if self.exact else [self._mean_row])]
        return {name: found[name] for name in names}
