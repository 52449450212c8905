"""What was noticed to have changed is kept in order."""

from datetime import timedelta

from twind.store import changes


def test_changes_are_kept_each_under_its_own_name(db, clock):
    long_ago = clock.now() - timedelta(days=14)
    one = changes.add(db, 1, long_ago, "Work Style")
    other = changes.add(db, 1, clock.now(), "")
    assert changes.load(db, 1) == [one, other]
    assert one.at == long_ago
    assert one.subject != other.subject
    assert changes.load(db, 2) == []
