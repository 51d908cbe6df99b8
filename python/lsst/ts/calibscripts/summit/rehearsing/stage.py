"""Runs scripts one after another in the simulated summit, and prints what somebody beside the queue would see."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.text import Text

from ...check.blocks import Block, get_blocks_dir, load_block
from ...events.events import Certified, Event
from ...sal import Domain, Remote, ScriptState
from ..queue.scheduler import SimulatedScheduler
from ..queue.script_queue import (
    Entry,
    Finished,
    Outcome,
    Queued,
    ScriptQueue,
    block_entries,
    find_script,
    run_in_order,
    script_names,
)
from ..site import Summit
from .adapting import adapt
from .closing import Ended, print_certified, print_end_state, print_idle, print_scripts, print_timeline
from .display import Display, stamp
from .surroundings import Surroundings

__all__ = ["Stage", "instrument_of"]


class Stage:
    """The simulated summit with an observer who watches it.

    Parameters
    ----------
    console : `rich.console.Console`
        What the observer sees.
    summit : `Summit`
        The summit.
    blocks : iterable of `Block`
        BLOCKs that the Scheduler knows beside those of this package.
    wanted : `Surroundings`
        What the summit is like.
    """

    def __init__(
        self, console: Console, summit: Summit, blocks: Iterable[Block], wanted: Surroundings
    ) -> None:
        self._console, self._summit = console, summit
        self._ready, self._detectors = wanted.ready, wanted.detectors
        self._queue = ScriptQueue()
        self._ended: list[Ended] = []
        self._certified: list[Certified] = []
        self._scheduler = next(
            (csc for csc in summit.components.values() if isinstance(csc, SimulatedScheduler)), None
        )
        if self._scheduler is not None:
            shipped = (load_block(path) for path in sorted(get_blocks_dir().glob("*.json")))
            self._scheduler.blocks |= {block.program: block for block in (*shipped, *blocks)}
        self._n_blocks = 0

    def stop(self) -> None:
        """Stop the script that runs, and run no other one."""
        text = (
            f"{stamp()} Stopping the script: its jobs are aborted, and no further certification begins. A second "
            "Ctrl-C ends the rehearsal at once."
        )
        self._console.print(Text(text, style="bold yellow"), soft_wrap=True)
        self._queue.stop()

    async def run(self, entries: Iterable[Entry]) -> Finished:
        """Run scripts in order, and print what came of it."""
        entries = list(entries)
        self._n_blocks = len({entry.block_id for entry in entries})
        by_itself = len(entries) == 1 and not entries[0].program
        async with Domain() as domain:
            if self._summit.calibration_system is not None:
                await self._watch_lamp(domain)
                self._say_how_it_begins(by_itself)
            finished = await run_in_order(entries, self._run, self._take_added)
        print_certified(self._console, self._certified, self._summit.repo)
        print_idle(self._console, self._summit.faults)
        if not by_itself or len(self._ended) > 1:
            print_scripts(self._console, self._ended, finished)
            print_end_state(self._console, self._summit)
        self._conclude(finished)
        return finished

    async def _run(self, entry: Entry) -> Outcome:
        """Run one script."""
        console, clock = self._console, asyncio.get_running_loop().time
        if entry.program:
            console.rule(f"{len(self._ended) + 1}: {entry}", align="left")
        config = self._configuration(entry)
        begin = clock()
        with Display(console) as display:
            self._queue.on_log, self._queue.on_state = display.log, display.state
            outcome = await self._queue.run(
                entry.name,
                config,
                Queued(standard=entry.standard, block_id=entry.block_id),
                observers=[display, self._keep],
                while_running=self._summit.interrupt,
            )
        self._ended.append(Ended(entry, outcome, clock() - begin))
        print_timeline(console, display)
        return outcome

    def _configuration(self, entry: Entry) -> str:
        """Return the configuration of a script, with what the rehearsal changes in it."""
        if entry.name not in script_names():
            return entry.config
        config, notes = adapt(entry.config, instrument_of(entry.name), self._summit.repo, self._detectors)
        for note in notes:
            self._console.print(note, highlight=False, soft_wrap=True)
        return config

    def _take_added(self) -> list[Entry]:
        """Return the scripts that add_block has added."""
        added: list[Entry] = []
        for block, calls in self._scheduler.take() if self._scheduler is not None else ():
            self._n_blocks += 1
            added += block_entries(block.program, calls, self._n_blocks)
        return added

    def _keep(self, event: Event) -> None:
        if isinstance(event, Certified):
            self._certified.append(event)

    async def _watch_lamp(self, domain: Domain) -> None:
        """Print what ATWhiteLight logs, as one would see it beside the queue."""
        remote = Remote(domain, "ATWhiteLight", readonly=True, include=["logMessage"])
        await remote.start_task

        async def show(data: Any) -> None:
            style = "yellow" if data.level >= logging.WARNING else "dim"
            self._console.print(
                Text(f"{stamp()}         ATWhiteLight: {data.message}", style=style), soft_wrap=True
            )

        remote.evt_logMessage.callback = show

    def _say_how_it_begins(self, by_itself: bool) -> None:
        if by_itself:
            return
        if self._ready:
            text = "The summit is ready for flats: lamp warm, dome and telescope at the flat screen."
        else:
            text = (
                "The summit is as before BLOCK-309: ATWhiteLight and OCPS:1 in STANDBY, lamp off, dome and telescope "
                "parked, all else ENABLED. With --ready it begins ready for flats."
            )
        self._console.print(text, soft_wrap=True)

    def _conclude(self, finished: Finished) -> None:
        """Print how it ended, last the most important."""
        *_, last = self._ended
        reason = f": {last.outcome.reason}" if last.outcome.reason else ""
        verdict = f"{last.entry} ended {last.outcome.state.name}{reason}"
        if len(self._ended) > 1 and finished.exit_code == 0:
            verdict = f"All {len(self._ended)} scripts ended DONE"
        self._console.print(f"\n{verdict}", soft_wrap=True)
        if finished.waiting:
            why = (
                "The queue is paused"
                if last.outcome.state is ScriptState.FAILED
                else "The Scheduler takes the rest out of the queue"
            )
            names = ", ".join(str(entry) for entry in finished.waiting)
            self._console.print(f"{why}. Not run: {names}", soft_wrap=True)


def instrument_of(script: str) -> str:
    """Return the instrument of a calibration script of this package."""
    model: Any = getattr(find_script(script), "config_model", None)
    return str(model.instrument.name)
