"""`python -m twind` is `twind`."""

import sys

from twind.cli import main

sys.exit(main())
