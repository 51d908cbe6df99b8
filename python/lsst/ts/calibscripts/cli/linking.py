"""Links the executables of this package into the external tree of a ScriptQueue.

The ScriptQueue walks one directory of standard and one of external scripts. It follows links to files, but not
to directories.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .. import get_scripts_dir
from ..errors import ConfigurationError

__all__ = ["Link", "link_scripts", "links", "unlink_scripts"]

_HOME = ("lsst", "ts", "calibscripts", "data", "scripts")


@dataclass(frozen=True)
class Link:
    """A link to one executable."""

    path: Path  #: Where it is in the tree of the ScriptQueue.
    target: Path  #: The executable of this package.

    @property
    def is_own(self) -> bool:
        """Whether it leads to this script of this package, in this installation or in another."""
        if not self.path.is_symlink():
            return False
        home = (*_HOME, *self.target.parts[-2:])
        return Path(os.readlink(self.path)).parts[-len(home) :] == home

    @property
    def is_made(self) -> bool:
        """Whether it leads to this installation."""
        return self.path.is_symlink() and Path(os.readlink(self.path)) == self.target

    @property
    def is_free(self) -> bool:
        """Whether nothing is at its place, not even a link that leads nowhere."""
        return not (self.path.is_symlink() or self.path.exists())


def links(root: Path) -> tuple[Link, ...]:
    """List the links that a tree needs for all scripts of this package.

    Parameters
    ----------
    root : `pathlib.Path`
        The external tree of a ScriptQueue.

    Returns
    -------
    `tuple` [`Link`]
        One for each executable, whether it exists or not.
    """
    home = get_scripts_dir()
    return tuple(Link(root / path.relative_to(home), path) for path in sorted(home.glob("*/*.py")))


def link_scripts(root: Path) -> tuple[Link, ...]:
    """Link the executables into a tree, all or none of them.

    Parameters
    ----------
    root : `pathlib.Path`
        The external tree of a ScriptQueue.

    Returns
    -------
    `tuple` [`Link`]
        Those that were not there before, or led to another installation of this package.

    Raises
    ------
    ConfigurationError
        If something else is at the place of a link, or the ScriptQueue would not find it. No link was made.
    """
    wanted = links(root)
    if obstacles := [text for link in wanted for text in _obstacles(link)]:
        raise ConfigurationError([*dict.fromkeys(obstacles), "No link was made."])
    made = tuple(link for link in wanted if not link.is_made)
    for link in made:
        link.path.parent.mkdir(exist_ok=True)
        # The ScriptQueue looks at no name that begins with a full stop, and never sees half of it.
        fresh = link.path.with_name(f".{link.path.name}.link")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(link.target)
        fresh.replace(link.path)
    return made


def unlink_scripts(root: Path) -> tuple[Link, ...]:
    """Take the links to the executables out of a tree again.

    Parameters
    ----------
    root : `pathlib.Path`
        The external tree of a ScriptQueue.

    Returns
    -------
    `tuple` [`Link`]
        Those that were taken out. What is not a link to this package stays.
    """
    removed = tuple(link for link in links(root) if link.is_own)
    for link in removed:
        link.path.unlink()
    return removed


def _obstacles(link: Link) -> Iterator[str]:
    """Report what stands in the way of a link."""
    folder = link.path.parent
    if folder.is_symlink():
        yield f"{folder} is a link to a directory, which the ScriptQueue does not follow: make it a directory."
    elif folder.exists() and not folder.is_dir():
        yield f"{folder} is not a directory."
    elif not link.is_free and not link.is_own:
        yield (
            f"{link.path} exists and is not a link to this package: it is not replaced. Remove it, or use another "
            "external tree for the ScriptQueue."
        )
    if not os.access(link.target, os.X_OK):
        yield f"{link.target} is not executable, so the ScriptQueue would not list it: chmod +x it."
