"""Wrong log-ins are limited, and nobody can use the limits to shut somebody else out."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client
from django.urls import reverse

from dashboard import log_ins
from rttm.core import rules
from tests.pages import find, parse, words

HERE, ADDRESS, ACCOUNT = (
    limit[0] for limit in (rules.LOG_INS_HERE, rules.LOG_INS_ADDRESS, rules.LOG_INS_ACCOUNT)
)


def log_in(name: str, password: str, *, address: str = "192.0.2.1", browser: Client | None = None):
    data = {"username": name, "password": password}
    return (browser or Client()).post(reverse("login"), data, REMOTE_ADDR=address)


def use_up(name: str, *, address: str = "192.0.2.1", browser: Client | None = None) -> None:
    """Type wrong passwords until the next one is refused unchecked."""
    for _ in range(HERE):
        assert log_in(name, "wrong", address=address, browser=browser).status_code == 422


def use_up_account(name: str) -> None:
    for number in range(ACCOUNT // HERE):
        use_up(name, address=f"198.51.100.{number}")


def problem(response) -> str:
    return words(find(parse(response), id="login-problem")[0])


def test_after_too_many_wrong_passwords_the_right_one_is_refused_with_a_time(operator):
    use_up("olga")
    response = log_in("olga", "secret")
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= rules.LOG_INS_HERE[1]
    assert find(parse(response), id="id_username")[0].get("value") == "olga"
    assert problem(response) == (
        f"There were {HERE} wrong log-ins with this user name from here. Your password was not "
        "checked. Try again in 5 minutes, or ask an admin to lift the limit."
    )


def test_refusal_is_the_same_for_an_account_that_does_not_exist(operator):
    refusals = []
    for name in ("olga", "nobody"):
        use_up(name)
        response = log_in(name, "secret")
        refusals.append((response.status_code, problem(response)))
    assert refusals[0] == refusals[1]


def test_time_after_which_the_next_attempt_is_allowed_comes(operator, monkeypatch):
    use_up("olga")
    wait = int(log_in("olga", "secret")["Retry-After"])
    now = log_ins.time()
    for module in ("limits.storage.memory.time.time", "dashboard.log_ins.time"):
        monkeypatch.setattr(module, lambda: now + wait)
    assert log_in("olga", "secret").status_code == 302


def test_capital_letters_make_no_account_of_their_own(operator):
    for name in ("olga", "OLGA", "Olga", "oLGA", "olgA"):
        log_in(name, "wrong")
    assert log_in("olga", "secret").status_code == 429


def test_right_password_forgets_the_wrong_ones(operator):
    for _ in range(2 * HERE):
        assert log_in("olga", "wrong").status_code == 422
        assert log_in("olga", "secret").status_code == 302


def test_stranger_elsewhere_shuts_nobody_out(operator):
    use_up("olga", address="203.0.113.1")
    for _ in range(ACCOUNT):
        assert log_in("olga", "wrong", address="203.0.113.1").status_code == 429
    assert log_in("olga", "secret").status_code == 302


def test_account_has_a_higher_limit_for_all_addresses_together(operator):
    use_up_account("olga")
    response = log_in("olga", "secret")
    assert response.status_code == 429
    assert "from several places" in problem(response)
    assert log_in("olga", "secret", address="198.51.100.0").status_code == 429


def test_strangers_everywhere_do_not_shut_out_the_browser_that_was_used_before(operator):
    browser = Client()
    assert log_in("olga", "secret", browser=browser).status_code == 302
    browser.post(reverse("logout"))
    use_up_account("olga")
    assert log_in("olga", "secret").status_code == 429
    assert log_in("olga", "secret", browser=browser).status_code == 302


def test_browser_that_was_used_before_has_a_limit_too(operator, viewer):
    browser = Client()
    log_in("vera", "secret", browser=browser)
    browser.post(reverse("logout"))
    use_up("vera", browser=browser)
    assert log_in("vera", "secret", browser=browser).status_code == 429
    assert log_in("vera", "secret").status_code == 302


def test_mark_of_a_browser_cannot_be_made_up(operator):
    browser = Client()
    use_up("olga")
    browser.cookies["browser"] = f"{log_ins.account_key('olga')}:mark"
    assert log_in("olga", "secret", browser=browser).status_code == 429


def test_address_has_a_limit_for_all_accounts_together(operator):
    for number in range(ADDRESS):
        assert log_in(f"guess-{number}", "wrong").status_code == 422
    response = log_in("olga", "secret")
    assert response.status_code == 429
    assert problem(response).startswith(f"There were {ADDRESS} wrong log-ins from this address.")
    assert log_in("olga", "secret", address="192.0.2.2").status_code == 302


def test_addresses_of_one_ipv6_network_count_as_one(operator):
    for number in range(HERE):
        log_in("olga", "wrong", address=f"2001:db8::{number}")
    assert log_in("olga", "secret", address="2001:db8::ffff").status_code == 429
    assert log_in("olga", "secret", address="2001:db8:0:1::1").status_code == 302


def test_attempt_without_a_password_is_not_counted(operator):
    for _ in range(2 * HERE):
        assert log_in("olga", "").status_code == 422
    assert log_in("olga", "secret").status_code == 302


def test_reached_limit_is_one_line_of_the_log(operator, caplog):
    with caplog.at_level(logging.WARNING, "dashboard.log_ins"):
        use_up("olga")
        log_in("olga", "secret")
    [line] = [line for line in caplog.messages if "refused" in line]
    said, seconds = line.removesuffix(" s").rsplit(" ", 1)
    assert said == "log-ins-here: log-ins as 'olga' from 192.0.2.1 are refused for"
    assert 0 < int(seconds) <= rules.LOG_INS_HERE[1]


def test_admin_lifts_the_limits_of_an_account(operator, admin, client_as):
    use_up_account("olga")
    use_up("vera")
    data = {"action": "lift_log_in_limits", "_selected_action": [operator.pk]}
    url = reverse("admin:dashboard_user_changelist")
    response = client_as(admin).post(url, data, follow=True)
    assert "The log-in limits of olga are lifted." in words(parse(response))
    assert log_in("olga", "secret", address="198.51.100.0").status_code == 302
    assert log_in("vera", "secret").status_code == 429


def test_admin_site_has_no_door_of_its_own(operator, client_as):
    url = reverse("admin:login")
    where = client_as(None).get(url, {"next": "/admin/dashboard/user/"})["Location"]
    assert where == f"{reverse('login')}?next=/admin/dashboard/user/"
    assert client_as(None).post(url, {"username": "x", "password": "y"}).status_code == 405
    assert client_as(operator).get("/admin/", follow=True).status_code == 403


def test_while_all_places_are_taken_no_further_password_is_checked(operator, monkeypatch):
    checked = []
    monkeypatch.setattr(MD5PasswordHasher, "verify", lambda *args: checked.append(args) or True)
    monkeypatch.setattr(log_ins, "strangers", log_ins.Gate(1))
    monkeypatch.setattr(rules, "LOG_IN_PATIENCE", 0)
    with log_ins.strangers.turn():
        response = log_in("olga", "secret")
        assert (response.status_code, checked) == (429, [])
        assert problem(response).startswith("Many log-ins are being checked at this moment.")
    assert (log_in("olga", "secret").status_code, len(checked)) == (302, 1)


def test_crowd_of_strangers_keeps_nobody_waiting_who_was_here_before(operator, monkeypatch):
    browser = Client()
    log_in("olga", "secret", browser=browser)
    browser.post(reverse("logout"))
    monkeypatch.setattr(log_ins, "strangers", log_ins.Gate(1))
    with log_ins.strangers.turn():
        assert log_in("olga", "secret", browser=browser).status_code == 302


def test_attempts_that_waited_for_their_turn_are_held_to_the_limit(operator, monkeypatch):
    """What is typed in parallel is judged by what the attempts before it came to."""
    monkeypatch.setattr(log_ins, "strangers", Queue(lambda: use_up("olga")))
    assert log_in("olga", "secret").status_code == 429


class Queue(log_ins.Gate):
    """A gate with other attempts before this one."""

    def __init__(self, others: Callable[[], None]) -> None:
        super().__init__(1)
        self.others: list[Callable[[], None]] = [others]

    @contextmanager
    def turn(self) -> Iterator[None]:
        if self.others:
            self.others.pop()()
        with super().turn():
            yield


def test_gate_lets_in_as_many_as_it_has_places_and_refuses_who_would_wait_in_vain():
    gate, places, too_many = log_ins.Gate(2), 2, 4
    everybody = places + rules.LOG_INS_WAITING + too_many
    inside, refused, go_on = Counter(), threading.Semaphore(0), threading.Event()

    def come() -> str:
        try:
            with gate.turn(), inside:
                assert go_on.wait(30)
        except log_ins.Wait:
            refused.release()
            return "refused"
        return "let in"

    with ThreadPoolExecutor(everybody) as pool:
        coming = [pool.submit(come) for _ in range(everybody)]
        for _ in range(too_many):  # then all others are inside, or wait
            assert refused.acquire(timeout=30)
        go_on.set()
        outcomes = [each.result() for each in coming]
    assert outcomes.count("refused") == too_many
    assert inside.most <= places


class Counter:
    """Counts who is inside, and how many were at most."""

    def __init__(self) -> None:
        self._lock, self._now, self.most = threading.Lock(), 0, 0

    def __enter__(self) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._now -= 1
