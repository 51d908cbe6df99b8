"""BLOCK files of the Scheduler: what they hold, what add_block makes of them, and what is wrong with them."""

from ... import get_blocks_dir
from .checks import CheckedBlock, CheckedCall, check_block, check_files
from .expansion import ScriptCall, expand, expand_all, parse_overrides
from .model import Block, BlockScript, Constraint, queue_prefix
from .reading import load_block

__all__ = [
    "Block",
    "BlockScript",
    "CheckedBlock",
    "CheckedCall",
    "Constraint",
    "ScriptCall",
    "check_block",
    "check_files",
    "expand",
    "expand_all",
    "get_blocks_dir",
    "load_block",
    "parse_overrides",
    "queue_prefix",
]
