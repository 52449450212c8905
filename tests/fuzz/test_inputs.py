"""What fuzzing has found, and what it began with, stays harmless."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import targets

INPUTS = Path(__file__).parent / "inputs"
FOUND = sorted(path for path in INPUTS.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", FOUND, ids=lambda path: str(path.relative_to(INPUTS)))
def test_what_was_found_is_found_no_more(path):
    name = path.parent.name
    target = targets.of(targets.family_of(name))[name]
    begun = time.process_time()
    target.run(path.read_bytes())
    assert time.process_time() - begun < targets.SLOW_S


@pytest.mark.parametrize("family", targets.FAMILIES)
def test_every_target_reads_its_seeds_and_parts_of_them(family):
    for target in targets.of(family).values():
        for seed in target.seeds:
            for end in (len(seed), len(seed) // 2, len(seed) * 7 // 8, 0):
                target.run(seed[:end])
