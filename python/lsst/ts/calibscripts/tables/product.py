"""What can be said of a calibration: the types of the table of products."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Content", "Dataset", "ImageType", "Naming", "Pairs", "Pipeline", "Product", "Switch", "Verifier"]


class ImageType(StrEnum):
    """Type of an image, as the camera's ``imageType`` says it."""

    BIAS = "BIAS"
    DARK = "DARK"
    FLAT = "FLAT"

    @property
    def plural(self) -> str:
        """What an observer calls several of them."""
        return {"BIAS": "biases", "DARK": "darks", "FLAT": "flats"}[self.value]

    def counted(self, number: int) -> str:
        """Return a number of them as an observer says it, e.g. ``1 bias``."""
        return f"{number} {self.name.lower() if number == 1 else self.plural}"


@dataclass(frozen=True)
class Pipeline:
    """A pipeline of cp_pipe or cp_verify, by its names."""

    #: Environment variable with the directory of the package: ``CP_PIPE_DIR`` or ``CP_VERIFY_DIR``.
    package: str
    files: tuple[str, ...]  #: File names, today's first, then older ones.
    #: Names of the labelled subset that is run, today's first; empty for the whole pipeline.
    subsets: tuple[str, ...] = ()

    @property
    def job(self) -> str:
        """What a job with it is called today: its subset, or its file without the extension."""
        return self.subsets[0] if self.subsets else self.files[0].removesuffix(".yaml")


class Content(StrEnum):
    """What the dataset of a product holds, which decides how a report reads it."""

    IMAGES = "images"
    BOXES = "boxes"
    CURVES = "curves"
    GAINS = "gains"
    OTHER = "other"


@dataclass(frozen=True)
class Dataset:
    """What the butler knows of a product."""

    #: Dataset types its generation job writes, the one of today's stack first, then those of older stacks.
    types: tuple[str, ...]
    by_filter: bool = False  #: Has it the dimension physical_filter?
    content: Content = Content.IMAGES  #: What it holds.
    required: bool = False  #: Must each detector of a deployed camera have one?


@dataclass(frozen=True)
class Switch:
    """How a user asks for a product that not every run makes."""

    name: str  #: Property of the configuration, e.g. ``do_ptc``.
    description: str  #: What the property does and needs, as the schema says it.
    modes: tuple[str, ...]  #: Values of script_mode with which it can be made.
    by_default: bool = False  #: Is it made wherever it can be, unless the user says no?
    by_name_only: bool = False  #: Does a production make it only where it is named?

    @property
    def needed(self) -> str:
        """The script_mode it needs, in words."""
        if len(self.modes) == 1:
            return f"script_mode {self.modes[0]}"
        shared = set.intersection(*(set(mode.split("_")) for mode in self.modes))
        return f"a script_mode with {' and '.join(kind for kind in ImageType if kind in shared)}"


@dataclass(frozen=True)
class Pairs:
    """Pairs of consecutive flats of equal exposure time that a product cannot do without."""

    times: int  #: Different exposure times of which a run must have a pair each.
    number: int  #: Pairs that exposures selected by hand must have, of whatever times.


@dataclass(frozen=True)
class Verifier:
    """How cp_verify verifies a product."""

    pipeline: Pipeline  #: Its names.
    images: tuple[ImageType, ...]  #: Sets whose exposures the job is given.
    #: Has every installation the pipeline? Else the product is verified where there is one.
    always: bool = False
    #: Are its statistics about each detector? Else about each detector in each exposure.
    by_detector: bool = True
    undecided: frozenset[str] = frozenset()  #: Tests that do not count, since nothing passes them.
    #: Does it write images that it has corrected? They say which calibrations it has used, else its tables do.
    corrects: bool = True


@dataclass(frozen=True)
class Naming:
    """What a product is called where that is not its name in lower case."""

    one: str = ""  #: In the singular.
    long: str = ""  #: In full.


@dataclass(frozen=True)
class Product:
    """A calibration and how it comes about."""

    name: str  #: What observers call it: BIAS, DARK, FLAT, DEFECTS, PTC, GAIN.
    images: tuple[ImageType, ...]  #: Image types whose exposures go into the generation job.
    made_from: tuple[str, ...]  #: Products that its generation reads.
    dataset: Dataset  #: What the butler knows of it.
    generate: Pipeline  #: Pipeline that makes it.
    #: What verifies it; None for a product that is certified without verification (000).
    verify: Verifier | None = None
    #: How a user asks for it; None for a product of every run that has its images.
    switch: Switch | None = None
    pairs: Pairs | None = None  #: The flat pairs it needs; None where any flats will do.
    #: The product whose job makes this one, too: where the whole is made, this one is not made by itself. It
    #: shares the properties of the whole, and is never certified. Empty for a product of its own.
    part_of: str = ""
    naming: Naming = Naming()  #: What else it is called.

    @property
    def label(self) -> str:
        """Its name in lower case, e.g. ``bias``."""
        return self.name.lower()

    @property
    def singular(self) -> str:
        """What one of it is called, in lower case, e.g. ``defect``."""
        return self.naming.one or self.label

    @property
    def long(self) -> str:
        """What it is called in full, e.g. ``Photon Transfer Curve``."""
        return self.naming.long or self.label

    @property
    def option(self) -> str:
        """Last part of the names of its configuration properties, e.g. ``bias`` in ``config_options_bias``."""
        return (self.part_of or self.name).lower()

    @property
    def paired(self) -> bool:
        """Does it need pairs of flats of equal exposure time?"""
        return self.pairs is not None

    @property
    def certified(self) -> bool:
        """Is it ever certified?"""
        return not self.part_of

    @property
    def measures_gains(self) -> bool:
        """Are there gains in its datasets?"""
        return self.dataset.content in (Content.GAINS, Content.CURVES)

    @property
    def always_verified(self) -> bool:
        """Is it verified wherever verification is on, as combined images are?"""
        return self.verify is not None and self.verify.always

    @property
    def by_filter(self) -> bool:
        """Has its dataset type the dimension physical_filter?"""
        return self.dataset.by_filter

    @property
    def dataset_types(self) -> tuple[str, ...]:
        """Dataset types its generation job writes, today's first."""
        return self.dataset.types

    @property
    def dataset_type(self) -> str:
        """Dataset type that is certified (or, for GAIN, read)."""
        return self.dataset_types[0]

    @property
    def processed(self) -> str:
        """Dataset type of the images that its generation job has corrected, where it reads exposures."""
        return f"{self.generate.files[0].removesuffix('.yaml')}IsrExp"

    @property
    def corrected(self) -> str:
        """Dataset type of the images that cp_verify has corrected."""
        return f"verify{self.name.title()}IsrExp"

    @property
    def results(self) -> str:
        """Dataset type of the tables of cp_verify with what it has measured of each detector."""
        return f"verify{self.name.title()}DetResults"

    @property
    def statistics(self) -> tuple[str, str, str]:
        """Dataset types of cp_verify's statistics: of the run, per exposure, per exposure and detector."""
        stem = f"verify{self.name.title()}"
        return f"{stem}Stats", f"{stem}ExpStats", f"{stem}DetStats"
