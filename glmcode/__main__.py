"""`python -m glmcode`: the current folder is a repository nobody vouches for, so nothing is imported from it."""

import os
import sys

if sys.path and sys.path[0] in ("", os.getcwd()):  # noqa: PTH109  pathlib is not imported yet
    del sys.path[0]

from glmcode.cli.main import main

sys.exit(main())
