"""`python -m vitrine` is the console command."""

import os
import sys


def _leave_out_working_directory() -> None:
    """Drop the working directory, which `-m` put first, from the import path, unless vitrine itself is imported from it."""
    first = sys.path[0]
    if sys.flags.safe_path or not os.path.isdir(first) or not os.path.samefile(first, os.curdir):
        return
    if os.path.samefile(first, os.path.dirname(os.path.dirname(__file__))):
        # A checkout, installed or not: child processes must run its code too.
        further = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [first, further]))
    else:
        del sys.path[0]


if __name__ == "__main__":
    _leave_out_working_directory()

    from vitrine.cli import main

    main()
