"""Without a mail server, and in the demo: mails are kept in a file and bury no terminal."""

import pytest
from django.core.mail import EmailMessage, get_connection

from dashboard import mail_file


@pytest.fixture
def send(settings, tmp_path):
    settings.MAIL_FILE = tmp_path / "mails.txt"

    def send(subject, text="Why:\n  ä"):
        connection = get_connection("dashboard.mail_file.EmailBackend")
        connection.open()
        EmailMessage(subject, text, to=["owner@example.com"], connection=connection).send()
        connection.close()
        return settings.MAIL_FILE.read_text("utf-8")

    return send


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


def test_mail_that_cannot_be_kept_is_an_error_that_a_sender_knows(send, settings, tmp_path):
    settings.MAIL_FILE = tmp_path / "missing" / "mails.txt"
    with pytest.raises(OSError, match="missing"):
        send("[RTTM] www ok")
