"""Without a mail server, and in the demo: mails are kept in a file and bury no terminal."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.mail import EmailMessage, get_connection

from dashboard import mail_file


@pytest.fixture
def send(settings, tmp_path):
    settings.MAIL_FILE = tmp_path / "mails.txt"

    def send(subject, text="Why:\n  ä"):
        hand_over(subject, text)
        return settings.MAIL_FILE.read_text("utf-8")

    return send


def hand_over(subject: str, text: str) -> None:
    connection = get_connection("dashboard.mail_file.EmailBackend")
    connection.open()
    EmailMessage(subject, text, to=["owner@example.com"], connection=connection).send()
    connection.close()


def test_mails_are_kept_in_full_one_after_the_other(send, capfd):
    send("[RTTM] www failover")
    kept = send("[RTTM] www ok")
    assert kept.index("Subject: [RTTM] www failover") < kept.index("Subject: [RTTM] www ok")
    assert kept.count("To: owner@example.com") == 2
    assert kept.count("Why:\n  ä\n") == 2
    assert capfd.readouterr() == ("", "")


def test_file_does_not_grow_for_ever(send, monkeypatch, tmp_path):
    monkeypatch.setattr(mail_file, "LARGEST", 400)
    for number in range(9):
        send(f"number {number}", "x" * 300)
    texts = [path.read_text() for path in (tmp_path / "mails.txt", tmp_path / "mails.old.txt")]
    assert "number 8" in texts[0]
    assert "number 7" in texts[1]
    assert sum(text.count("Subject:") for text in texts) < 9


def test_several_who_find_it_full_at_once_begin_one_new_file(send, monkeypatch, tmp_path):
    monkeypatch.setattr(mail_file, "LARGEST", 400)
    start = threading.Barrier(8)

    def send_some(sender: int) -> None:
        start.wait(timeout=10)
        for number in range(20):
            hand_over(f"number {number} of {sender}", "x" * 300)

    with ThreadPoolExecutor(8) as senders:
        list(senders.map(send_some, range(8)))
    assert "Subject:" in (tmp_path / "mails.old.txt").read_text()


def test_mail_that_cannot_be_kept_is_an_error_that_a_sender_knows(send, settings, tmp_path):
    settings.MAIL_FILE = tmp_path / "missing" / "mails.txt"
    with pytest.raises(OSError, match="missing"):
        send("[RTTM] www ok")
