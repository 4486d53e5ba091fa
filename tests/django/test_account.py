"""Logging in and out, the demo's accounts, and what a user prefers."""

import pytest
from django.urls import reverse

from dashboard import demo
from tests.pages import find, parse, words

NEW = {"new_password1": "a-long-new-secret", "new_password2": "a-long-new-secret"}


def test_log_in_goes_on_to_where_one_was_going(client_as, viewer):
    target = reverse("activity")
    data = {"username": "vera", "password": "secret", "next": target}
    response = client_as(None).post(reverse("login"), data)
    assert (response.status_code, response["Location"]) == (302, target)


def test_log_in_never_leads_to_another_site(client_as, viewer):
    data = {"username": "vera", "password": "secret", "next": "https://elsewhere.example/"}
    assert client_as(None).post(reverse("login"), data)["Location"] == "/"


def test_wrong_password_is_told_in_place_and_the_name_stays(client_as, viewer):
    response = client_as(None).post(reverse("login"), {"username": "vera", "password": "x"})
    assert response.status_code == 422
    drawn = parse(response)
    assert find(drawn, id="login-problem")
    assert find(drawn, id="id_username")[0].get("value") == "vera"
    assert find(drawn, id="id_password")[0].get("value") is None


def test_demo_offers_its_accounts_and_each_button_logs_in(client_as, settings):
    settings.DEMO = True
    demo.accounts_open()
    drawn = parse(client_as(None).get(reverse("login")))
    forms = [form for form in drawn.forms if form.xpath("./button/span")]
    assert len(forms) == len(demo.ACCOUNTS)
    for form in forms:
        data = dict(form.form_values())
        assert client_as(None).post(reverse("login"), data).status_code == 302


def test_outside_the_demo_no_account_is_offered(client_as, settings):
    settings.DEMO = False
    page = client_as(None).get(reverse("login")).content.decode()
    for account in demo.ACCOUNTS:
        assert account.password not in page


def test_log_out_needs_a_post_and_ends_the_session(client_as, viewer):
    client = client_as(viewer)
    assert client.get(reverse("logout")).status_code == 405
    assert client.post(reverse("logout"))["Location"] == reverse("login")
    assert client.get(reverse("board")).status_code == 302


def test_preferences_are_saved_and_colour_the_page(client_as, viewer):
    client = client_as(viewer)
    data = {"theme": "dark", "time_zone": "Asia/Tokyo"}
    page = parse(client.post(reverse("account"), data, follow=True))
    viewer.refresh_from_db()
    assert (viewer.theme, viewer.time_zone) == ("dark", "Asia/Tokyo")
    assert page.xpath("//html/@data-theme") == ["dark"]
    assert "Your preferences are saved." in words(page)


def test_unknown_zone_is_refused_beside_its_field_and_the_page_keeps_the_old_one(client_as, viewer):
    data = {"theme": "dark", "time_zone": "Mars/Olympus"}
    response = client_as(viewer).post(reverse("account"), data)
    assert response.status_code == 422
    drawn = parse(response)
    assert "Mars/Olympus" in words(find(drawn, id="id_time_zone_error")[0])
    assert drawn.xpath("//html/@data-theme") == ["auto"]
    assert "Times in UTC" in words(drawn)


def test_nobody_gives_themselves_a_role(client_as, viewer):
    data = {"theme": "dark", "time_zone": "UTC", "role": "admin", "is_superuser": "on"}
    client_as(viewer).post(reverse("account"), data)
    viewer.refresh_from_db()
    assert (viewer.theme, viewer.role, viewer.is_superuser) == ("dark", "viewer", False)


def test_changed_password_keeps_this_session(client_as, viewer):
    client = client_as(viewer)
    response = client.post(reverse("account"), NEW | {"old_password": "secret"}, follow=True)
    assert "Your password is saved." in words(parse(response))
    viewer.refresh_from_db()
    assert viewer.check_password(NEW["new_password1"])


@pytest.mark.parametrize(
    ("change", "field"),
    [({"old_password": "wrong"}, "old_password"), ({"new_password2": "other"}, "new_password2"),
     ({"new_password1": "12345678", "new_password2": "12345678"}, "new_password2")],
)  # fmt: skip
def test_refused_password_is_told_beside_its_field(client_as, viewer, change, field):
    data = NEW | {"old_password": "secret"} | change
    response = client_as(viewer).post(reverse("account"), data)
    assert response.status_code == 422
    assert find(parse(response), id=f"id_{field}_error")
    viewer.refresh_from_db()
    assert viewer.check_password("secret")


def test_stranger_has_no_account_page(client_as):
    assert client_as(None).get(reverse("account")).status_code == 302


def test_missing_page_is_told_with_a_next_step(client_as, viewer):
    response = client_as(viewer).get("/nothing-here/")
    assert response.status_code == 404
    assert "There is no such page" in words(parse(response))


def test_no_page_needs_inline_style_or_script(client_as, operator):
    client = client_as(operator)
    for name in ("board", "log-reports", "activity", "account"):
        response = client.get(reverse(name))
        drawn = parse(response)
        assert "default-src 'self'" in response["Content-Security-Policy"]
        assert not drawn.xpath("//script[not(@src)] | //style | //*[@style] | //*[@onclick]")
