"""What can be said of a configuration before it is queued: everything wrong with it, then what it would do.

`configuration` finds what is wrong, `lookup` asks a butler repository, `words` and `data` report it.
"""

from .configuration import (
    Checked,
    check_text,
    check_values,
    look_up_pipelines,
    without_repository,
    wrong_values,
)

__all__ = ["Checked", "check_text", "check_values", "look_up_pipelines", "without_repository", "wrong_values"]
