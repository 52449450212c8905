from __future__ import annotations

from twind.preferences import catalogue, observing


def test_what_blocks_mean_and_what_detectors_find_can_be_observed_and_nothing_else():
    meant = {aspect.code for aspect in catalogue.aspects() if aspect.means}
    assert observing.observable() >= meant
    # Done long before it was due: no block means it, a detector finds it.
    assert observing.observable() - meant >= {"TIM_PLANNING", "TIM_PROCRASTINATION"}
    assert observing.observable() < set(catalogue.index_of())


def test_styles_show_in_nothing_that_twind_reads():
    styles = {aspect.code for aspect in catalogue.aspects() if aspect.kind == "style"}
    assert styles
    assert not styles & observing.observable()
