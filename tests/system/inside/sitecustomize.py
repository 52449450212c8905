"""What a test has every process of twind do at its start."""

import os
import sys
from pathlib import Path

if "TWIND_TEST_DISK" in os.environ:
    sys.path.append(str(Path(__file__).parent))
    import twind_test_disk

    sys.path.pop()
    twind_test_disk.install(os.environ["TWIND_TEST_DISK"])
