"""What a process may have, and what it leaves."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIMITED = """\
import resource, sys
from twind import processes
had = int(sys.argv[1]) << 20 if sys.argv[1] else resource.RLIM_INFINITY
resource.setrlimit(resource.RLIMIT_DATA, (had, had))
processes.limit_memory(int(sys.argv[2]))
print(resource.getrlimit(resource.RLIMIT_DATA)[0] >> 20)
"""


@pytest.mark.parametrize(
    ("had", "wanted", "has"), [("", 512, 512), ("256", 512, 256), ("512", 256, 256)]
)
def test_memory_is_limited_to_what_is_wanted_and_never_raised(had, wanted, has):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, had, str(wanted)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(done.stdout) == has
