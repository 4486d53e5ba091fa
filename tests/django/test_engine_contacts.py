"""Contacts: the read-only resource, the command, and a service that names one."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from rttm.engine import store
from rttm.engine.models import Contact
from tests import builders
from tests.engine_client import SERVICE, WANTED, Client, logged_in


@pytest.fixture
def client(settings, db) -> Client:
    return logged_in(settings)


@pytest.fixture(autouse=True)
def _owner(settings) -> None:
    settings.OWNER_EMAIL = "owner@example.com"


def command(*words: str) -> str:
    said = StringIO()
    call_command("engine_contact", *words, stdout=said)
    return said.getvalue()


class TestResource:
    def test_the_owner_is_always_there(self, client: Client):
        assert client.does("GET", "Contact/") == ["/REST/Contact/owner/"]
        owner = client.does("GET", "Contact/owner/")
        assert (owner["nickname"], owner["email"]) == ("owner", "owner@example.com")
        assert {owner[name] for name in ("notify_email", "pager_email", "phone", "city")} == {""}

    def test_others_follow_by_name(self, client):
        command("add", "zoe", "--email", "zoe@example.com")
        command("add", "noc", "--email", "noc@example.com", "--last-name", "Team")
        listed = client.does("GET", "Contact/", {"detail": "Y"})
        assert [(c["nickname"], c["last_name"]) for c in listed] == [
            ("owner", ""), ("noc", "Team"), ("zoe", ""),
        ]  # fmt: skip
        assert client.does("GET", "Contact/noc")["email"] == "noc@example.com"

    def test_an_odd_nickname_is_written_so_that_its_path_can_be_asked_for(self, client):
        command("add", "night/shift ü", "--email", "night@example.com")
        [_, path] = client.does("GET", "Contact/")
        assert path == "/REST/Contact/night%2Fshift%20%C3%BC/"
        assert client.does("GET", path.removeprefix("/REST/"))["email"] == "night@example.com"

    def test_one_that_is_not_there_is_not_found(self, client):
        assert client.fails("GET", "Contact/nobody/") == (404, "NOT_FOUND")

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    def test_it_is_read_only(self, client, method):
        args = {"email": "x@example.com"}
        assert client.fails(method, "Contact/noc/", args) == (400, "INVALID_REQUEST")
        assert not Contact.objects.exists()


class TestService:
    def warned(self, client: Client, method: str, args: Any) -> list[str]:
        messages = client.reply(method, SERVICE, args).json["msgs"]
        return [m["INFO"] for m in messages if m["LVL"] == "WARN"]

    def test_an_unknown_contact_is_accepted_with_a_warning(self, client):
        warning = "contact_nickname: There is no contact nobody, so nobody is told by mail"
        assert self.warned(client, "POST", {**WANTED, "contact_nickname": "nobody"}) == [warning]
        assert client.does("GET", SERVICE)["contact_nickname"] == "nobody"
        assert self.warned(client, "PUT", {"ttl": 60}) == [warning]

    def test_a_known_contact_is_no_warning(self, client):
        command("add", "noc", "--email", "noc@example.com")
        assert self.warned(client, "POST", {**WANTED, "contact_nickname": "noc"}) == []
        assert self.warned(client, "PUT", {"contact_nickname": "owner"}) == []


class TestCommand:
    def test_adding_again_replaces(self, db):
        command("add", "noc", "--email", "old@example.com", "--pager-email", "p@example.com")
        said = command("add", "noc", "--email", "new@example.com")
        assert said == "noc: new@example.com; named by no service\n"
        assert Contact.objects.get().pager_email == ""

    def test_the_owner_can_have_a_row_of_its_own_and_lose_it(self, db):
        command("add", "owner", "--email", "boss@example.com")
        assert command("list") == "owner: boss@example.com; named by no service\n"
        assert command("remove", "owner") == "owner is removed.\n"
        assert command("list") == "owner: owner@example.com; named by no service\n"

    def test_the_list_says_where_mail_goes_and_who_names_whom(self, db, settings):
        settings.OWNER_EMAIL = ""
        zone, _ = store.create_zone("example.com")
        value = builders.service(contact_nickname="noc")
        store.create(zone, value, now=0, user_name="olga")
        command(
            *("add", "noc", "--email", "noc@example.com", "--notify-email", "alarm@example.com"),
            *("--pager-email", "pager@example.com"),
        )
        assert command("list").splitlines() == [
            "owner: no mail: set OWNER_EMAIL; named by no service",
            "noc: alarm@example.com, pager pager@example.com; www.example.com",
        ]
        assert command("remove", "noc").splitlines() == [
            "noc is removed.",
            "Nobody is told of changes of www.example.com any more.",
        ]

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("add", "noc", "--email", "not an address"), "email: Enter a valid email address."),
            (
                ("add", "noc", "--email", "a@example.com\nBcc: b"),
                "email: Enter a valid",
            ),
            (("add", "", "--email", "a@example.com"), "nickname: This field cannot be blank."),
            (("add", "x" * 256, "--email", "a@example.com"), "nickname: Ensure this value has at"),
            (
                ("add", "no\u202ec", "--email", "a@example.com"),
                "nickname: Nickname must be one line of plain text: the character U\\+202E is not.",
            ),
            (
                ("add", "noc", "--email", "a@example.com", "--last-name", "a\nb"),
                "last_name: Last name must be one line",
            ),
            (("remove", "noc"), "There is no contact noc to remove."),
        ],
    )
    def test_what_makes_no_sense_is_refused_in_words(self, db, words, said):
        with pytest.raises(CommandError, match=said):
            command(*words)
        assert not Contact.objects.exists()
