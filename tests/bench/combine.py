"""How long the stand-in of cp_pipe takes to combine frames of full size, beside a plain sort of them.

`python tests/bench/combine.py`
"""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.nddata import CCDData
from numpy.typing import NDArray

from lsst.ts.calibscripts.summit.tasks.combination import combine
from lsst.ts.calibscripts.summit.tasks.combine import CombineTask

__all__ = ["Combined", "main"]

FRAMES = 20
SHAPE = 4000, 4072
"""Rows and columns of a detector of LATISS and of LSSTCam."""
AMPLIFIER_COLUMNS = SHAPE[1] // 8
REPETITIONS = 3
GOAL = 2.0
MEMORY_GOAL = 2.5
"""GB."""


@dataclass(frozen=True)
class Combined:
    """What combining took."""

    #: Medians of what `numpy.sort` of the stack and its combination took, seconds.
    sort: float
    combination: float
    memory: float  #: Most memory of a process that runs the task, with reading its frames, GB.

    @property
    def ratio(self) -> float:
        """Time of the combination in that of the sort."""
        return self.combination / self.sort

    def rows(self) -> tuple[tuple[str, str, str], ...]:
        """Return what was measured, its value and the goal."""
        return (
            (f"combine {FRAMES} frames: time, numpy's sort = 1", f"{self.ratio:.2f}", f"<= {GOAL:g}"),
            (
                f"combine {FRAMES} frames: memory of the task",
                f"{self.memory:.1f} GB",
                f"< {MEMORY_GOAL:g} GB",
            ),
        )

    def missed(self) -> Iterator[str]:
        """Return a sentence for every goal that was missed."""
        if self.ratio > GOAL:
            yield f"combining {FRAMES} frames takes {self.ratio:.2f} times as long as sorting them"
        if self.memory > MEMORY_GOAL:
            yield f"combining {FRAMES} frames takes {self.memory:.1f} GB"


def main() -> Combined:
    """Measure, and print it."""
    sort, combination = _apart(_times)
    combined = Combined(sort, combination, _apart(_memory))
    for row in combined.rows():
        print("{:42}{:>10}   goal {}".format(*row), flush=True)
    return combined


def _apart(function: Callable[[], Any]) -> Any:
    """Call a function in a process of its own, so that its memory is its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function).result()


def _times() -> tuple[float, float]:
    stack = np.stack([_frame(number) for number in range(FRAMES)])
    noise = np.ones(FRAMES)
    taken = [
        (
            _seconds(lambda: np.sort(stack, axis=0)),
            _seconds(lambda: combine(stack, noise, 5.0, AMPLIFIER_COLUMNS)),
        )
        for _ in range(REPETITIONS)
    ]
    sort, combination = map(statistics.median, zip(*taken, strict=True))
    return sort, combination


def _seconds(function: Callable[[], object]) -> float:
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def _memory() -> float:
    handles: list[Any] = [_Handle(number) for number in range(FRAMES)]
    task: Any = CombineTask
    task(config=task.ConfigClass()).run(inputExpHandles=handles)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


@dataclass(frozen=True)
class _Handle:
    """What the butler gives for a frame that is read when it is needed."""

    number: int

    @property
    def dataId(self) -> dict[str, int]:  # noqa: N802
        return {"detector": 0, "exposure": self.number}

    def get(self) -> CCDData:
        return CCDData(_frame(self.number), unit="electron", meta={"DETECTOR": 0})


def _frame(number: int) -> NDArray[np.float32]:
    """Read noise and a thousand cosmic rays."""
    rng = np.random.default_rng(number)
    frame: NDArray[np.float32] = 7 * rng.standard_normal(SHAPE, dtype=np.float32)
    frame.reshape(-1)[rng.integers(frame.size, size=1000)] += 800
    return frame


if __name__ == "__main__":
    main()
