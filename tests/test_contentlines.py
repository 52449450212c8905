"""Content lines unfolded, and components cut out of what programs write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind.contentlines import components, name_of, unfolded

WANTED = {"VCALENDAR": {"X-WR-TIMEZONE"}, "VTODO": {"UID", "SUMMARY"}, "VTIMEZONE": None}


def cut(*lines, wanted=WANTED):
    return components("\r\n".join(lines), wanted)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("SUMMARY:x", "SUMMARY"),
        ("dtstart;VALUE=DATE:20260301", "DTSTART"),
        ("item1.EMAIL;TYPE=home:a@b", "EMAIL"),
        ("X-ABC : x", "X-ABC"),
        ("SUMMARY", ""),
        ("no line of it: at all", ""),
        ("", ""),
    ],
)
def test_the_name_of_a_line(line, name):
    assert name_of(line) == name


@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"])
def test_folds_are_undone_and_lines_counted(newline):
    text = newline.join(["A:one", " two", "\tthree", "B:four"])
    assert list(unfolded(text)) == [(1, "A:onetwothree"), (4, "B:four")]


def test_a_quoted_printable_line_goes_on_after_an_equals_sign():
    text = "NOTE;ENCODING=QUOTED-PRINTABLE:a=\nb=\nc\nURL:x=\nFN:y"
    assert [line for _, line in unfolded(text)] == [
        "NOTE;ENCODING=QUOTED-PRINTABLE:abc",
        "URL:x=",
        "FN:y",
    ]


def test_components_within_components():
    whole = cut(
        "BEGIN:VCALENDAR",
        "X-WR-TIMEZONE:Europe/Berlin",
        "begin:vtodo",
        "uid:1",
        "BEGIN:VALARM",
        "SUMMARY:no line of the task",
        "END:VALARM",
        "SUMMARY;LANGUAGE=en:a: b",
        "DESCRIPTION:not asked for",
        "END:VTODO",
        "END:VCALENDAR",
    )
    [calendar] = whole.parts
    [task] = whole.every("VTODO")
    assert whole.ended
    assert (task.kind, task.line, task.lines) == (
        "VTODO",
        3,
        ["uid:1", "SUMMARY;LANGUAGE=en:a: b"],
    )
    assert (task.value("UID"), task.value("SUMMARY"), task.value("DUE")) == ("1", "a: b", "")
    assert task.within is calendar
    assert calendar.value("X-WR-TIMEZONE") == "Europe/Berlin"
    assert [part.kind for part in task.parts] == ["VALARM"]


def test_a_property_without_a_value_says_nothing():
    [task] = cut("BEGIN:VTODO", 'UID;X="a:b":', "SUMMARY:", "END:VTODO").parts
    assert task.lines == []


def test_what_does_not_end_costs_no_other():
    whole = cut("BEGIN:VTODO", "UID:1", "BEGIN:VTODO", "UID:2", "END:VTODO", "BEGIN:VTODO", "UID:3")
    assert [(task.value("UID"), task.ended) for task in whole.parts] == [
        ("1", False),
        ("2", True),
        ("3", False),
    ]
    assert not whole.ended


def test_the_end_of_what_it_lies_in_ends_it():
    whole = cut("BEGIN:VCALENDAR", "BEGIN:VTODO", "UID:1", "END:VCALENDAR", "END:VTODO")
    [task] = whole.every("VTODO")
    assert not task.ended
    assert whole.ended


def test_what_lies_too_deep_is_found_all_the_same():
    lines = [f"BEGIN:X-{number}" for number in range(5000)]
    whole = cut(*lines, "BEGIN:VTODO", "UID:1", "END:VTODO")
    [task] = whole.every("VTODO")
    assert (task.value("UID"), task.ended, whole.ended) == ("1", True, False)
    assert len(whole.text().splitlines()) > 2 * len(lines)


def test_an_agent_is_a_card_within_the_card():
    wanted = {"VCARD": {"FN"}}
    lines = ["BEGIN:VCARD", "AGENT:", "BEGIN:VCARD", "FN:b", "END:VCARD", "FN:a", "END:VCARD"]
    [card] = cut(*lines, wanted=wanted).parts
    assert (card.value("FN"), card.parts[0].value("FN")) == ("a", "b")


def test_a_component_as_a_text_of_its_own():
    lines = ["BEGIN:VTIMEZONE", "TZID:x", "BEGIN:STANDARD", "TZNAME:y", "END:STANDARD"]
    [zone] = cut(*lines, "END:VTIMEZONE", wanted={"VTIMEZONE": None, "STANDARD": None}).parts
    assert zone.text() == "\r\n".join([*lines, "END:VTIMEZONE", ""])


values = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)


@given(st.lists(values, max_size=5), st.integers(1, 9))
def test_what_was_folded_is_read(said, width):
    lines = [f"SUMMARY:{value}" for value in said]
    folded = [
        "\r\n ".join(line[at : at + width] for at in range(0, len(line), width)) for line in lines
    ]
    [task] = cut("BEGIN:VTODO", *folded, "END:VTODO").parts
    assert task.lines == lines


@given(
    st.lists(
        st.sampled_from(["BEGIN:VTODO", "END:VTODO", "BEGIN:VCALENDAR", "END:VCALENDAR"])
        | st.text(),
        max_size=12,
    )
)
def test_nothing_raises_and_nothing_is_lost(lines):
    text = "\n".join(lines)
    begun = sum(
        name_of(line) == "BEGIN" and bool(line.partition(":")[2].strip())
        for _, line in unfolded(text)
    )
    whole = components(text, WANTED)

    def count(component):
        return sum(1 + count(part) for part in component.parts)

    assert count(whole) == begun
    assert all(task.within is not None for task in whole.every("VTODO"))
