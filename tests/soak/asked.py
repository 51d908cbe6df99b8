"""What a scenario asks of the script, read from its configuration independently of the package's own plan."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator

from soak.scenarios import FILTERS, Scenario

from lsst.ts.calibscripts.ground.cancellation import STOP_GRACE
from lsst.ts.calibscripts.summit.faults.faults import Fault
from lsst.ts.calibscripts.summit.ocps.csc import Job
from lsst.ts.calibscripts.testing.memory import Verification

__all__ = ["CALIBRATIONS", "GENERATE", "MADE_FROM", "VERIFY", "Asked", "ancestors", "numbers"]

MADE_FROM = {
    "BIAS": (),
    "DARK": ("BIAS",),
    "FLAT": ("BIAS", "DARK"),
    "DEFECTS": ("BIAS", "DARK", "FLAT"),
    "PTC": ("BIAS", "DARK"),
    "GAIN": ("BIAS", "DARK"),
}
IMAGES = {"DEFECTS": ("DARK", "FLAT"), "PTC": ("FLAT",), "GAIN": ("FLAT",)}
GENERATE = {
    "BIAS": "cpBias",
    "DARK": "cpDark",
    "FLAT": "cpFlat",
    "DEFECTS": "cpDefects",
    "PTC": "cpPtc",
    "GAIN": "cpPtcGainFromFlatPairs",
}
VERIFY = {"BIAS": "verifyBias", "DARK": "verifyDark", "FLAT": "verifyFlat"}
CALIBRATIONS = {name.lower(): name for name in MADE_FROM if name != "GAIN"}
"""Dataset type -> product."""

COMPONENTS = {
    "LATISS": ("ATCamera", "ATSpectrograph", "ATHeaderService", "ATOODS", "OCPS:1"),
    "LSSTComCam": ("CCCamera", "CCHeaderService", "CCOODS", "OCPS:2"),
}
HARMLESS = frozenset(
    {
        "image-duplicated",
        "image-foreign",
        "image-unannounced",
        "result-before-ack",
        "result-never",
        "results-swapped",
        "results-foreign",
        "result-not-json",
        "lamp-aged",
    }
)
"""Faults of the summit that must not change how a run ends."""


MOST_TESTS = 8
"""Test flats, at most."""

TOLERANCE = 0.0051
"""Exposure times that differ by less are equal, seconds: 5 ms, and what binary fractions lack."""

Step = tuple[str, str]
"""Action and product."""


def numbers(listed: Iterable[int | str] | str) -> tuple[int, ...]:
    """Return exposure ids that are listed one by one or as ranges."""
    items = listed.split(",") if isinstance(listed, str) else listed
    ranges = [[int(bound) for bound in str(item).split("..")] for item in items]
    return tuple(exposure for first, *last in ranges for exposure in range(first, [first, *last][-1] + 1))


def ancestors(product: str) -> Iterator[str]:
    """Return what a product is made from, directly and indirectly."""
    for origin in MADE_FROM[product]:
        yield origin
        yield from ancestors(origin)


class Asked:
    """What a scenario asks for.

    Attributes
    ----------
    types : `tuple` [`str`]
        Image types in the order they are taken.
    existing : `dict` [`str`, `tuple` [`int`, ...]]
        Exposures that were taken before, by image type.
    made, verified, certified : `set` [`str`]
        Products that are to be.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        option = scenario.option
        self.types = tuple(option("script_mode", "BIAS_DARK_FLAT").split("_"))
        listed = option("exposures", None) or {}
        self.existing = {name: ids for name in self.types if (ids := numbers(listed.get(name) or ()))}
        self.generating: bool = option("generate_calibrations", False)
        self.verifying: bool = option("do_verify", True)
        self.waits: bool = option("wait_for_certification", False)
        self.attempts: int = option("job_attempts", 1)
        self.warns = option("on_verification_failure", "fail") == "warn"
        self.made = set(self.types) if self.generating else set()
        self.made |= {name for name in ("DEFECTS", "PTC") if option(f"do_{name.lower()}", False)}
        if self._wants_gain():
            self.made.add("GAIN")
        self.verified = set(self.types) if self.verifying else set()
        self.certified = self.made - {"GAIN"}

    @property
    def products(self) -> set[str]:
        """Everything the run is about."""
        return {*self.types, *self.made}

    @property
    def certification(self) -> tuple[str, str | None, str | None]:
        """Collection and validity range."""
        option = self.scenario.option
        return (
            option("calib_collection", f"{self.scenario.instrument}/calib/daily"),
            option("certify_calib_begin_date", "1950-01-01"),
            option("certify_calib_end_date", "2050-01-01"),
        )

    def verification(self, product: str) -> Verification:
        """Return what the statistics of a product are going to say."""
        return self.scenario.verifications.get(VERIFY.get(product, ""), Verification.PASSES)

    def passes(self, product: str, n_detectors: int) -> bool:
        """Return whether a verification passes in which so many detectors are left."""
        enough = 2 * n_detectors > len(self.scenario.detectors)
        return enough and self.verification(product).passes(n_detectors)

    def may_fail(self, product: str) -> bool:
        """Return whether a run ends DONE although a verification failed; one that cannot be judged is a failure."""
        return self.warns and self.is_judged(product)

    def is_judged(self, product: str) -> bool:
        """Return whether tests decide: the statistics can be read, and those of no detector are lacking."""
        lacking = self.scenario.writes_not.get(VERIFY.get(product, ""), frozenset())
        return self.verification(product).is_judged and not lacking & {*self.scenario.detectors}

    @property
    def failing(self) -> set[str]:
        """Products whose verification is to fail, unless detectors get lost."""
        n_detectors = len(self.scenario.detectors)
        return {product for product in self.verified if not self.passes(product, n_detectors)}

    @property
    def judged(self) -> set[str]:
        """Products whose verification takes place, unless something else goes wrong."""
        return {p for p in self.verified if not (self.generating and self.failing & {*ancestors(p)})}

    def is_spoiled(self, product: str) -> bool:
        """Has a product failed, or something it is made from, images included?"""
        origins = {product, *self.images(product)}
        origins |= {*ancestors(product)} if self.generating else set()
        return bool(self.failing & origins)

    @property
    def steps(self) -> set[Step]:
        """All that is to be done, as action and product."""
        return {
            *(("GENERATE", product) for product in self.made),
            *(("VERIFY", product) for product in self.verified),
            *(("CERTIFY", product) for product in self.certified),
        }

    def lost(self, failed: set[Step], judged: set[str], given_up: set[str]) -> set[Step]:
        """Return the steps that need not be done once some have failed.

        Parameters
        ----------
        failed : `set`
            Steps that failed by themselves.
        judged : `set` [`str`]
            Products whose verdict was bad; their verifications are among those that failed.
        given_up : `set` [`str`]
            Image types that there are too few of.
        """
        lost = set(failed)
        while more := {s for s in self.steps - lost if self._is_lost(s, lost, judged, given_up)}:
            lost |= more
        return lost

    def _is_lost(self, step: Step, lost: set[Step], judged: set[str], given_up: set[str]) -> bool:
        action, product = step
        origins = {*ancestors(product)} & self.made
        verified = {product, *self.images(product)} & self.verified
        match action:
            case "GENERATE":
                needed = {("GENERATE", origin) for origin in origins}
                needed |= {("CERTIFY", origin) for origin in origins if self.waits}
            case "VERIFY":
                needed = {("GENERATE", product)}
            case _:
                needed = {("GENERATE", product), *(("CERTIFY", origin) for origin in origins)}
                needed |= {("VERIFY", name) for name in verified}
        without_images = action != "CERTIFY" and given_up & {*self.images(product)}
        return bool(needed & lost or judged & origins or without_images)

    def images(self, product: str) -> tuple[str, ...]:
        """Return the image types that go into the jobs of a product."""
        return IMAGES.get(product, (product,))

    def n_discard(self, image_type: str) -> int:
        """Return how many exposures are taken first and not used."""
        return int(self.scenario.option(f"n_discard_{image_type.lower()}", 1))

    def product_of(self, job: Job) -> str:
        """Return the product a job is for."""
        return {name: product for table in (GENERATE, VERIFY) for product, name in table.items()}[job.name]

    def times(self, image_type: str) -> list[float]:
        """Return the exposure times of the kept exposures, seconds."""
        if image_type in self.existing:
            return [self.scenario.earlier[exposure].exposure_time for exposure in self.existing[image_type]]
        if image_type == "BIAS":
            return [0.0] * int(self.scenario.option("n_bias", 20))
        name = image_type.lower()
        times = self.scenario.option(f"exp_times_{name}", 5.0)
        n = self.scenario.option(f"n_{name}", len(times) if isinstance(times, list) else 20)
        return times[-n:] if isinstance(times, list) else [times] * n

    def all_times(self, image_type: str) -> list[float]:
        """Return the exposure times of all exposures that are to be taken, seconds."""
        if image_type in self.existing:
            return []
        times = self.times(image_type)
        return [*times[:1] * self.n_discard(image_type), *times]

    @property
    def filter(self) -> str | None:
        """What the butler calls the filter that flats are to have; None for any, of flats that exist."""
        names = FILTERS[self.scenario.instrument]
        given = self.scenario.option("filter", None)
        if given is None and "FLAT" in self.existing:
            return None
        return next(iter(names.values())) if given is None else names[given]

    def _wants_gain(self) -> bool:
        if "FLAT" not in self.types or self.scenario.option("do_ptc", False):
            return False
        earlier = [self.scenario.earlier[exposure].exposure_time for exposure in self._used("FLAT")]
        times = earlier if "FLAT" in self.existing else self.times("FLAT")
        pairs = any(abs(first - second) < TOLERANCE for first, second in itertools.pairwise(times))
        return bool(self.scenario.option("do_gain_from_flat_pairs", pairs))

    @property
    def impossible(self) -> str:
        """Why the run must fail before its first exposure; empty where it need not."""
        if (
            self.scenario.unready
            and self.looks_at_setup
            and self.scenario.option("flat_setup", "") == "require"
        ):
            return f"the {self.scenario.unready} is not ready for flats"
        for fault in self.scenario.summit_faults():
            at_start = fault.name in ("component-standby", "component-fault", "component-dead")
            # The camera is not looked at where all images exist.
            used = fault.of.startswith("OCPS") or {*self.types} - {*self.existing}
            if at_start and used and fault.of in COMPONENTS[self.scenario.instrument]:
                return f"{fault.of} is not enabled"
        if self.scenario.fault_names & {"filter-stuck"} and self._sets_filter:
            return "another filter is in the beam"
        for product in sorted(self.certified):
            if self._conflicts(product):
                return f"the collection holds a {product} already"
        for product in sorted(self.read_from_references):
            # A calibration that was valid at another time is taken for one: the exposures' time is not known yet.
            own = self.scenario.present if self.generating else ()
            if product.lower() not in (*self.scenario.references, *own):
                return f"there is no {product} in the input collections"
        for name, exposures in self.existing.items():
            if not any(self.is_usable(name, exposure) for exposure in exposures):
                return f"none of the {name} fits"
        flats = self._usable("FLAT")
        if len({self.scenario.earlier[exposure].physical_filter for exposure in flats}) > 1:
            return "the flats that exist have several filters"
        for trouble in self.scenario.troubles:
            if trouble.call == "check" and trouble.error and trouble.at == 1:
                return "the repository cannot be read"
        return ""

    @property
    def takes_flats(self) -> bool:
        """Are flats taken, and not there already?"""
        return "FLAT" in self.types and "FLAT" not in self.existing

    @property
    def looks_at_setup(self) -> bool:
        """Are lamp, dome and telescope looked at?"""
        asked = self.scenario.option("flat_setup", "warn") != "ignore"
        return asked and self.takes_flats and self.scenario.instrument == "LATISS"

    @property
    def target(self) -> tuple[float, float] | None:
        """Lowest and highest level that the flats are to have, ADU; None where it is not looked for."""
        level = self.scenario.option("flat_counts_target", None)
        part = self.scenario.option("flat_counts_tolerance", 0.05)
        return (level * (1 - part), level * (1 + part)) if level and self.takes_flats else None

    @property
    def moved(self) -> set[str]:
        """Products of the run that are far from the calibration that is valid before them."""
        before = {*self.scenario.references}
        before |= {name for name, (begin, end) in self.scenario.present.items() if begin < "2026" < end}
        return {
            p for p in self.made if p.lower() in before and self.scenario.shifts.get(GENERATE[p], 0.0) > 2
        }

    @property
    def withheld(self) -> set[str]:
        """Products that must not be certified, since they have moved."""
        return self.moved if self.scenario.option("compare_with_previous", "report") == "require" else set()

    @property
    def _sets_filter(self) -> bool:
        # The simulated wheel is stuck at a filter that nobody asks for here.
        return (
            self.takes_flats
            and self.scenario.instrument == "LATISS"
            and self.scenario.option("filter", None) is not None
        )

    def _conflicts(self, product: str) -> bool:
        if product.lower() not in self.scenario.present:
            return False
        begin, end = self.scenario.present[product.lower()]
        collection, wanted_begin, wanted_end = self.certification
        if collection != f"{self.scenario.instrument}/calib/daily":
            return False
        if product == "FLAT" and self.filter not in (
            None,
            next(iter(FILTERS[self.scenario.instrument].values())),
        ):
            return False
        return (wanted_begin or "") < end and begin < (wanted_end or "9999")

    @property
    def read_from_references(self) -> set[str]:
        """Products that jobs read and the run does not make."""
        read = {origin for product in self.made for origin in ancestors(product)}
        read |= {origin for product in self.verified for origin in (product, *ancestors(product))}
        return read - self.made

    @property
    def is_peaceful(self) -> bool:
        """Is there nothing that could keep the run from ending DONE?"""
        return self.is_peaceful_but_for_verdicts and not self.failing

    @property
    def is_peaceful_but_for_verdicts(self) -> bool:
        """Is there nothing but failed verifications that could keep the run from ending DONE?"""
        scenario = self.scenario
        return (
            all(self._is_harmless(fault) for fault in scenario.summit_faults())
            and not any(self.is_untold(product) for product in self.verified)
            and not any(scenario.writes_not.values())
            and not (scenario.troubles or scenario.intruder or self.impossible)
            and not (scenario.alterations or scenario.lost or scenario.filter_change)
            and all(self.fits(name, exposure) for name, ids in self.existing.items() for exposure in ids)
            and not self.window
            and not (self.withheld & self.certified)
            and not (self.target and scenario.unready)
            and {product.lower() for product in self.read_from_references} <= {*scenario.references}
            and not (scenario.operator.stop or scenario.operator.stop_checkpoint)
            and self._longest_job < scenario.option("pipetask_timeout", 3600.0)
        )

    def is_untold(self, product: str) -> bool:
        """Does no result come of a verification whose statistics cannot be judged? It is as a failed job then."""
        pipeline = VERIFY[product]
        silent = (f.name == "result-never" and f.of == pipeline for f in self.scenario.summit_faults())
        if any(silent) or "result-not-json" in self.scenario.fault_names:
            return not self.verification(product).is_judged
        return False

    def _is_harmless(self, fault: Fault) -> bool:
        """Return whether a run ends as without the fault: a job that fails has another attempt left."""
        if fault.name in ("lamp-off", "lamp-warming"):
            return self.target is None
        return fault.name in HARMLESS or (fault.name == "job-error" and fault.count < self.attempts)

    @property
    def _longest_job(self) -> float:
        """How long the longest job seems to take, seconds."""
        held_back = sum(
            fault.delay for fault in self.scenario.summit_faults() if fault.name == "results-swapped"
        )
        return max([5.0, *self.scenario.job_seconds.values()]) + held_back

    @property
    def window(self) -> tuple[float, float] | None:
        """Limits for the level of flats, ADU; None where there are none."""
        option = self.scenario.option
        low, high = option("flat_counts_min", None), option("flat_counts_max", None)
        if "FLAT" not in self.types or (low is None and high is None):
            return None
        return -math.inf if low is None else low, math.inf if high is None else high

    def fits(self, image_type: str, exposure: int) -> bool:
        """Return whether nothing is wrong with an exposure that exists already."""
        detectors = {*self.scenario.detectors}
        return self.is_usable(image_type, exposure) and detectors <= {
            *self.scenario.earlier[exposure].detectors
        }

    def is_usable(self, image_type: str, exposure: int) -> bool:
        """Return whether the record of an exposure that exists fits, and it has images of some detectors."""
        earlier = self.scenario.earlier.get(exposure)
        return (
            earlier is not None
            and earlier.image_type in (image_type, "UNKNOWN")
            and bool(earlier.detectors)
            and self.has_right_time(image_type, earlier.exposure_time)
            and (image_type != "FLAT" or self.filter in (None, earlier.physical_filter))
        )

    def _usable(self, image_type: str) -> list[int]:
        """Return those that exist already and are usable; beside flats of a known filter, none of an unknown one."""
        usable = [e for e in self.existing.get(image_type, ()) if self.is_usable(image_type, e)]
        if image_type != "FLAT":
            return usable
        known = [e for e in usable if "unknown" not in self.scenario.earlier[e].physical_filter.lower()]
        return known or usable

    def has_right_time(self, image_type: str, seconds: float) -> bool:
        """Return whether the time of an exposure that exists already is one that the configuration has."""
        given = 0.0 if image_type == "BIAS" else self.scenario.option(f"exp_times_{image_type.lower()}", None)
        wanted = given if isinstance(given, list) else [given]
        return given is None or any(abs(seconds - time) < TOLERANCE for time in wanted)

    def _used(self, image_type: str) -> list[int]:
        """Return the exposures that exist already and are used: they fit, and have the detectors that most have."""
        listed, found = self.existing.get(image_type, ()), self.scenario.earlier
        usable = self._usable(image_type)
        detectors = {*self.scenario.detectors}
        rare = {d for d in detectors if 2 * sum(d in found[e].detectors for e in usable) < len(listed)}
        common = detectors - rare or detectors
        return [exposure for exposure in usable if common <= {*found[exposure].detectors}]

    @property
    def flat_darks(self) -> list[float]:
        """Return the exposure times of the darks after the flats, seconds."""
        if "FLAT" not in self.types or "FLAT" in self.existing:
            return []
        return [*dict.fromkeys(self.times("FLAT"))] * int(self.scenario.option("n_flat_dark", 0))

    def n_exposures(self, image_type: str) -> int:
        """Return how many exposures are to be taken, the discarded ones included."""
        return len(self.all_times(image_type))

    @property
    def longest(self) -> float:
        """The sum of the timeouts of the run, seconds."""
        option, scenario = self.scenario.option, self.scenario
        times = [time for image_type in self.types for time in self.all_times(image_type)] + self.flat_darks
        taking = sum(time + 3.0 + option("wait_between_exposures", 0.0) for time in times)
        if self.target:
            # Test flats, whose levels are waited for; all others may be as long as the longest of them.
            taking += MOST_TESTS * (123.0 + option("oods_timeout", 120.0)) + 120.0 * len(times)
        n_jobs = self.attempts * (len(self.made) + len(self.verified))
        # Acknowledgement, the job, a late result, its abortion.
        jobs = n_jobs * (600.0 + option("pipetask_timeout", 3600.0) + 30.0 + STOP_GRACE)
        oods = len(self.types) * option("oods_timeout", 120.0)
        pauses = 10 * scenario.operator.resume_after if scenario.operator.pause_checkpoint else 0.0
        # A camera that fails may take its longest command timeout to say so; 60 s are for the checks.
        return taking + jobs + oods + pauses + scenario.butler_seconds + 120.0 + 60.0
