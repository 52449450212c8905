"""Without proof that a message did not arrive, it may have. The rest is in test_urls.py."""

from __future__ import annotations

import logging
import threading

from twind.api import MaybeDelivered, NotDelivered


def test_a_connection_whose_end_is_not_known_leaves_it_in_doubt(plugin):
    def heard(*records):
        evidence = plugin.evidence.Evidence("json://127.0.0.1")
        evidence.thread = threading.get_ident()
        for text, args in records:
            name = "urllib3.connectionpool"
            record = logging.LogRecord(name, logging.DEBUG, "", 0, text, args, None)
            evidence.emit(record)
        return evidence.verdict(targets=1)

    begun = ("Starting new HTTP connection (%d): %s:%s", (1, "127.0.0.1", 80))
    answered = '%s://%s:%s "%s %s %s" %s %s', ("http", "127.0.0.1", 80, "POST", "/", "1.1", 503, 2)
    assert isinstance(heard(begun, answered), NotDelivered)
    assert isinstance(heard(begun, answered, answered), NotDelivered), "one connection, kept"
    assert isinstance(heard(begun, begun, answered), MaybeDelivered)
    assert isinstance(heard(), MaybeDelivered)
