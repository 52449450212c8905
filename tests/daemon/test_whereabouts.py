from twind.daemon.whereabouts import Whereabouts


def test_a_database_that_is_gone_and_back_is_the_same(tmp_path):
    database, elsewhere = tmp_path / "twind.db", tmp_path / "away.db"
    database.write_text("ours")
    place = Whereabouts(database)
    assert not place.look()
    assert place.problem is None
    database.rename(elsewhere)
    assert not place.look()
    assert place.problem == f"{database} is gone; nothing is done until it is back"
    elsewhere.rename(database)
    assert place.look()
    assert place.problem is None
    assert not place.look()


def test_another_file_of_its_name_is_not_it(tmp_path, caplog):
    database, other = tmp_path / "twind.db", tmp_path / "other.db"
    database.write_text("ours")
    other.write_text("theirs")
    place = Whereabouts(database)
    other.rename(database)
    for _ in range(2):
        assert not place.look()
        assert place.is_another
    assert place.problem == f"{database} is another file than the one that is open"
    assert caplog.text.count("is another file") == 1
