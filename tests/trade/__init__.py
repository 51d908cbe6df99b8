"""Holds the numbers of the rules of the trade: lengths of modules and functions, numbers of parameters and fields.

``python -m trade`` in the root of the checkout, with its folder on PYTHONPATH, is a step of ``make lint``. Linters
count statements and parameters; lines of modules and bodies, and fields of dataclasses, they do not.
"""

from .measuring import Measure, measures
from .rules import LIMITS, Problem, problems

__all__ = ["LIMITS", "Measure", "Problem", "measures", "problems"]
