"""Messages to real servers on loopback: what arrives, and what is said of what does not."""

from __future__ import annotations

import html
import re
import socket
import threading
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from twind.api import MaybeDelivered, NotDelivered

SECRET = "s3same!"
TITLE, BODY = (
    "twind proposes one thing",
    "Mon 09:00  Call Ann.\n\nTo answer: twind review 1 --accept",
)
FROM_TO = "to=you@example.org&from=me@example.org"


@pytest.fixture
def failed(plugin):
    """Send to a URL that does not take it; return what is raised."""

    def send(url, title=TITLE, body=BODY):
        with pytest.raises((NotDelivered, MaybeDelivered)) as caught:
            plugin.urls.send(url, title, body)
        assert SECRET not in str(caught.value)
        return caught.value

    return send


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# --- a webhook -----------------------------------------------------------------------------------


def test_a_webhook_has_the_message_once(plugin, web):
    plugin.urls.send(f"json://127.0.0.1:{web.port}/hook/{SECRET}", TITLE, BODY)
    [request] = web.got
    assert (request.method, request.path) == ("POST", f"/hook/{SECRET}")
    assert (request.json["title"], request.json["message"]) == (TITLE, BODY)
    assert "github" not in str(request.headers) + request.body.decode()


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (500, "again", "HTTP 500 Internal Server Error"),
        (503, "again", "HTTP 503 Service Unavailable"),
        (429, "again", "HTTP 429 Too Many Requests"),
        (401, "never", "HTTP 401 Unauthorized"),
        (404, "never", "HTTP 404 Not Found"),
        (501, "never", "HTTP 501 Not Implemented"),
        (302, "never", "HTTP 302 Found: it has moved; correct the URL, or add redirect=yes to it"),
        (502, "maybe", "HTTP 502 Bad Gateway; it may have arrived"),
        (504, "maybe", "HTTP 504 Gateway Timeout; it may have arrived"),
        (799, "again", "HTTP 799"),
        ("close", "maybe", "the server hung up; it may have arrived"),
        ("half", "maybe", "the server hung up; it may have arrived"),
        ("hang", "maybe", "no answer in time; it may have arrived"),
    ],
)
def test_what_a_web_server_says_decides(failed, web, answer, kind, reason):
    web.answers = [answer]
    error = failed(f"json://bob:{SECRET}@127.0.0.1:{web.port}/{SECRET}?rto=0.3")
    kinds = {"again": True, "never": False, "maybe": None}
    if answer == 799:
        kind, reason = "never", "HTTP 799"
    assert (str(error), getattr(error, "again", None)) == (reason, kinds[kind])
    assert isinstance(error, MaybeDelivered if kind == "maybe" else NotDelivered)
    assert len(web.got) == 1, "neither a retry nor a redirect"


def test_a_server_that_is_never_done_is_left(plugin, failed, web, monkeypatch):
    monkeypatch.setattr(plugin.urls, "DEADLINE_S", 0.5)
    web.answers = ["drip"]
    error = failed(f"json://127.0.0.1:{web.port}/{SECRET}")
    assert str(error) == "no answer within 0.5 s; it may have arrived"
    # What is left behind keeps its secrets to itself, and hears nobody else's answers.
    web.answers = [500]
    assert str(failed(f"json://127.0.0.1:{web.port}/")) == "HTTP 500 Internal Server Error"


def test_what_never_gets_through_is_tried_again(failed, web):
    assert str(failed(f"json://bob:{SECRET}@127.0.0.1:{free_port()}")) == "connection refused"
    assert str(failed("json://nowhere.invalid")) == "the server's name is not known here"
    error = failed(f"jsons://127.0.0.1:{web.port}/{SECRET}")
    assert str(error).startswith("TLS fails (")
    assert error.again
    assert web.got == []


def test_a_certificate_that_nobody_vouches_for_is_told(failed, certificate, servers):
    _, context = certificate
    server = servers.WebServer()
    server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
    try:
        error = failed(f"jsons://127.0.0.1:{server.port}/{SECRET}")
    finally:
        server.close()
    assert str(error) == "its certificate is not trusted (self-signed certificate)"


def test_a_retry_of_the_urls_own_is_off(failed, web):
    web.answers = [503]
    failed(f"json://127.0.0.1:{web.port}/?retry=3&wait=0&optional=yes")
    assert len(web.got) == 1


def test_of_several_targets_one_has_it_and_so_it_is_not_sent_again(failed, web, monkeypatch):
    from apprise.plugins.ntfy import NotifyNtfy

    monkeypatch.setattr(NotifyNtfy, "request_rate_per_sec", 0)
    web.answers = [200, 503]
    error = failed(f"ntfy://127.0.0.1:{web.port}/one/two")
    assert isinstance(error, MaybeDelivered)
    web.answers = [503]
    assert isinstance(failed(f"ntfy://127.0.0.1:{web.port}/one/two"), MaybeDelivered)
    assert failed(f"ntfy://127.0.0.1:{free_port()}/one/two").again


# --- mail ----------------------------------------------------------------------------------------


def url_of(server, scheme="mailto", login="", more=""):
    return f"{scheme}://{login}127.0.0.1:{server.port}/?{FROM_TO}{more}"


def test_a_mail_arrives_as_plain_text(plugin, mail):
    server = mail()
    plugin.urls.send(url_of(server), "Näher ran ☕", BODY)
    [got] = server.got
    assert got["subject"] == "Näher ran ☕"
    assert got.get_content_type() == "text/plain"
    assert got.get_content().replace("\r\n", "\n").strip() == BODY
    assert got.envelope_to == ["you@example.org"]
    assert got["from"].addresses[0].addr_spec == "me@example.org"


def test_a_mail_server_may_want_a_password(plugin, failed, mail):
    server = mail(auth=True)
    plugin.urls.send(url_of(server, login=f"bob:{SECRET}@"), TITLE, BODY)
    assert len(server.got) == 1
    error = failed(url_of(server, login="bob:wrong@"))
    assert str(error) == "SMTP 535: the server does not take user and password"
    assert not error.again
    assert len(server.got) == 1


def test_starttls_needs_a_certificate_that_is_trusted(
    plugin, failed, mail, certificate, monkeypatch
):
    file, context = certificate
    server = mail(auth=True, tls=context)
    url = url_of(server, "mailtos", f"bob:{SECRET}@", "&mode=starttls")
    error = failed(url)
    assert str(error) == "its certificate is not trusted (self-signed certificate)"
    assert server.got == []
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    plugin.urls.send(url, TITLE, BODY)
    assert [one["subject"] for one in server.got] == [TITLE]


@pytest.mark.parametrize(
    ("command", "answer", "kind", "reason"),
    [
        ("RCPT", "550 5.1.1 no such user", "never", "SMTP 550 5.1.1 no such user"),
        ("RCPT", "450 greylisted", "again", "SMTP 450 greylisted"),
        ("RCPT", f"550 not for {SECRET}", "never", "SMTP 550 not for ********"),
        ("DATA", "554 spam", "never", "SMTP 554 spam"),
        ("DATA", "452 disk full", "again", "SMTP 452 disk full"),
        ("DATA", "close", "maybe", "the server hung up; it may have arrived"),
        ("DATA", "hang", "maybe", "no answer in time; it may have arrived"),
    ],
)
def test_what_a_mail_server_says_decides(failed, mail, command, answer, kind, reason):
    server = mail(auth=True)
    server.say[command] = answer
    error = failed(url_of(server, login=f"bob:{SECRET}@", more="&cto=0.5"))
    assert str(error) == reason
    assert getattr(error, "again", None) == {"again": True, "never": False, "maybe": None}[kind]


def test_a_mail_server_that_is_not_there_or_hangs_up_at_once(failed):
    assert failed(f"mailto://127.0.0.1:{free_port()}/?{FROM_TO}").again
    with socket.create_server(("127.0.0.1", 0)) as rude:
        port = rude.getsockname()[1]

        def greet():
            for greeting in (b"554 go away\r\n", b""):
                peer, _ = rude.accept()
                with peer:
                    peer.sendall(greeting)

        thread = threading.Thread(target=greet)
        thread.start()
        refused, silent = (failed(f"mailto://127.0.0.1:{port}/?{FROM_TO}") for _ in range(2))
        thread.join()
    assert (str(refused), refused.again) == ("SMTP 554 go away", False)
    assert (str(silent), silent.again) == ("the server hung up", True)


def test_of_several_recipients_one_has_it_and_so_it_is_not_sent_again(failed, mail):
    server = mail()
    server.say["RCPT them@example.org"] = "450 later"
    two = f"mailto://127.0.0.1:{server.port}/?to=you@example.org,them@example.org&from=a@b.org"
    assert isinstance(failed(two), MaybeDelivered)
    copied = f"mailto://127.0.0.1:{server.port}/?{FROM_TO}&cc=them@example.org"
    assert isinstance(failed(copied), MaybeDelivered)
    assert len(server.got) == 2


# --- what other people wrote ---------------------------------------------------------------------

LINE = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Zs"))
    | st.sampled_from("<>&@#*_`[]()!|~\\:;,.- '\"=%+${}/")
)
NASTY = st.sampled_from(
    [
        "@everyone",
        "<@123456789012345678>",
        "<!channel>",
        "[click](http://e.vil)",
        "<http://e.vil|Ann>",
        "<b>bold</b>",
        "&lt;script&gt;",
        "**bold** _it_ `code` ~~no~~",
        "# heading",
        "1. list",
        "- list",
        "> quote",
        "Subject: forged",
        "=?utf-8?q?forged?=",
        ":smile: \\n \\u0041 %0a",
        "https://example.org/a_b_c?d=e&f=g",
    ]
)


def squeezed(text):
    return " ".join(text.replace("\u200b", "").split())


TEXT = st.lists(LINE | NASTY, max_size=4).map(" ".join).map(squeezed).filter(bool)
MESSAGES = st.tuples(TEXT, st.lists(TEXT, min_size=1, max_size=3).map("\n".join))
FEW = settings(max_examples=40)


def in_html(text):
    """Return what a reader of HTML sees."""
    seen = []

    class Reader(HTMLParser):
        def handle_data(self, data):
            seen.append(data)

        def handle_starttag(self, tag, attrs):
            assert tag in {"b", "br", "html", "head", "body", "p"}, (
                f"a tag that we did not write: {tag}"
            )
            if tag == "br":
                seen.append("\n")

    reader = Reader()
    reader.feed(text)
    reader.close()
    return "".join(seen)


def in_markdown(text):
    """Return what a reader of CommonMark sees; fails where anything is more than text."""
    seen = []
    for block in MarkdownIt("commonmark").enable(["strikethrough", "table"]).parse(text):
        assert block.type in {"paragraph_open", "paragraph_close", "inline"}, block.type
        for token in block.children or ():
            assert token.type in {"text", "text_special", "softbreak"}, token.type
            seen.append(token.content or "\n")
        seen.append("\n")
    return "".join(seen)


def sent_over_http(plugin, web, url, message):
    web.got.clear()
    plugin.urls.send(url, *message)
    return web.got[-1]


@FEW
@given(message=MESSAGES)
def test_a_mail_says_what_was_meant_and_no_header_is_forged(plugin, mail_of_all_tests, message):
    server = mail_of_all_tests
    title, body = message
    for more in ("", "&format=html"):
        server.got.clear()
        plugin.urls.send(url_of(server, more=more), title, body)
        [got] = server.got
        assert squeezed(got["subject"]) == title
        assert len(got.get_all("subject")) == len(got.get_all("to")) == 1
        assert got["to"].addresses[0].addr_spec == "you@example.org"
        part = got.get_body(("html",)) if more else got
        text = in_html(part.get_content()) if more else part.get_content()
        assert squeezed(text) == squeezed(body)


@FEW
@given(message=MESSAGES)
def test_webhooks_and_push_say_what_was_meant(plugin, web_of_all_tests, message):
    web, (title, body) = web_of_all_tests, message
    at = f"127.0.0.1:{web.port}"
    request = sent_over_http(plugin, web, f"json://{at}/x", message)
    assert (request.json["title"], request.json["message"]) == (title, body)
    request = sent_over_http(plugin, web, f"form://{at}/x", message)
    assert (request.form["title"], request.form["message"]) == (title, body)
    request = sent_over_http(plugin, web, f"xml://{at}/x", message)
    [told] = ET.fromstring(request.body).iter("Notification")
    assert (told.findtext("Subject"), told.findtext("Message")) == (title, body)
    request = sent_over_http(plugin, web, f"ntfy://{at}/topic", message)
    assert (request.json["title"], request.json["message"]) == (title, body)
    assert not any(title in value for value in request.headers.values() if len(title) > 3)
    request = sent_over_http(plugin, web, f"gotify://{at}/token1234567890", message)
    assert (request.json["title"], request.json["message"]) == (title, body)


@FEW
@given(message=MESSAGES)
def test_mattermost_says_what_was_meant_and_calls_nobody(plugin, web_of_all_tests, message):
    web, (title, body) = web_of_all_tests, message
    url = f"mmost://127.0.0.1:{web.port}/{'a' * 26}"
    text = in_markdown(sent_over_http(plugin, web, url, message).json["text"])
    assert squeezed(text) == squeezed(f"{title} {body}")
    assert_calls_nobody(text)


MATRIX = {"access_token": "t", "user_id": "@me:h", "home_server": "h", "room_id": "!r:h"}


@settings(max_examples=4)  # Apprise takes its time with Matrix
@given(message=MESSAGES)
def test_matrix_says_what_was_meant_and_calls_nobody(plugin, web_of_all_tests, message):
    web, (title, body) = web_of_all_tests, message
    web.answers = [(200, MATRIX)]
    sent_over_http(plugin, web, f"matrix://me:pw@127.0.0.1:{web.port}/!r:h", message)
    [request] = [one for one in web.got if one.method == "PUT"]
    assert request.json["msgtype"] == "m.text"
    assert "formatted_body" not in request.json
    assert squeezed(request.json["body"]).removeprefix("# ") == squeezed(f"{title} {body}")
    assert_calls_nobody(request.json["body"])


def assert_calls_nobody(text):
    assert not re.search(r"@[^\u200b]", text)


@FEW
@given(message=MESSAGES)
def test_telegram_slack_and_discord_say_what_was_meant_and_call_nobody(
    plugin, services_of_all_tests, message
):
    web, (title, body) = services_of_all_tests, message
    web.answers = [(200, {"ok": True, "result": []})]
    request = sent_over_http(plugin, web, "tgram://123456789:abcdefg_hijklmnop/12345", message)
    assert request.json["parse_mode"] == "HTML"
    assert squeezed(in_html(request.json["text"])) == squeezed(f"{title} {body}")
    assert_calls_nobody(request.json["text"])
    request = sent_over_http(
        plugin, web, "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", message
    )
    assert squeezed(in_markdown(request.json["content"])) == squeezed(f"{title} {body}")
    assert request.json.keys() <= {"content", "tts", "wait"}
    assert_calls_nobody(request.json["content"])
    web.answers = [(200, "ok")]
    request = sent_over_http(
        plugin, web, "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#c", message
    )
    [shown] = request.json["attachments"]
    assert (read_by_slack(shown["title"]), read_by_slack(shown["text"])) == (title, body)
    assert request.json["mrkdwn"] is False


def read_by_slack(text):
    """Return what Slack shows: three entities are characters, and what is in <> is a command."""
    assert "<" not in text
    return html.unescape(text).replace("\u200b", "")
