"""The engine's API by its door: what a client asks, and the envelope it gets."""

from typing import Any

import pytest

from rttm.engine import models
from tests.engine_client import (
    ENTRY,
    NAMES,
    NOW,
    REGION,
    SERVICE,
    WANTED,
    Client,
    logged_in,
    probed,
)


@pytest.fixture
def client(settings, db) -> Client:
    return logged_in(settings)


@pytest.fixture
def service(client: Client) -> Any:
    return client.does("POST", SERVICE, WANTED)


def test_every_answer_has_the_whole_envelope(client):
    first, second = client.reply("GET", "Session/").json, client.reply("GET", "Session/").json
    assert set(first) == {"status", "data", "job_id", "msgs"}
    assert first["msgs"] == [
        {"INFO": "isalive: User session is still active", "SOURCE": "BLL", "ERR_CD": None,
         "LVL": "INFO"}
    ]  # fmt: skip
    assert second["job_id"] == first["job_id"] + 1


class TestSession:
    def test_log_in_answers_with_token_and_version(self, client):
        assert set(client.does("POST", "Session", NAMES)) == {"token", "version"}

    @pytest.mark.parametrize(
        ("asked", "version"),
        [
            ({"api-version": "3.5.2"}, "3.5.2"),
            ({"api-version": "current"}, "3.7.13"),
            ({}, "3.7.9"),
        ],
    )
    def test_log_in_answers_with_the_version_that_was_asked_for(self, client, asked, version):
        assert client.does("POST", "Session", NAMES, headers=asked)["version"] == version

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"password": "x"}, "INVALID_DATA"),
            ({"password": ""}, "MISSING_DATA"),
            ({"user_name": None}, "MISSING_DATA"),
            ({"customer_name": ["acme"]}, "INVALID_DATA"),
        ],
    )
    def test_log_in_is_refused(self, client, change, code):
        assert client.fails("POST", "Session/", NAMES | change) == (400, code)

    @pytest.mark.parametrize("path", ["Session/", "SESSION/", "session", "Session"])
    def test_it_is_kept_alive_however_it_is_spelled(self, client, path):
        assert client.does("PUT", path, {}) == {}

    def test_log_out_ends_it(self, client):
        assert client.hears("DELETE", "Session/") == ["logout: Logout successful"]
        assert client.fails("GET", SERVICE) == (400, "INVALID_DATA")
        assert client.said == "login: Bad or expired credentials"
        assert client.closing == "login: There was a problem with your credentials"

    def test_nothing_is_told_without_a_token(self, client, service):
        client.token = ""
        assert client.fails("GET", SERVICE) == (400, "MISSING_DATA")
        assert client.fails("GET", "Nonsense/") == (400, "MISSING_DATA")

    def test_another_address_is_told_so(self, client):
        assert client.fails("GET", "Session/", client_ip="192.0.2.11") == (400, "INVALID_DATA")
        assert client.said == "login: IP address does not match current session"


class TestZone:
    def test_a_zone_is_created_read_and_listed(self, client):
        shown = client.does("POST", "Zone/Example.ORG./", {"rname": "admin@example.org"})
        assert shown == {
            "zone": "example.org", "zone_type": "Primary", "serial": 1,
            "serial_style": "increment",
        }  # fmt: skip
        assert client.does("GET", "Zone/example.org") == shown
        assert client.does("GET", "Zone/") == ["/REST/Zone/example.org/"]
        assert client.does("GET", "Zone/", query={"detail": "Y"}) == [shown]

    def test_the_messages_are_those_of_dyn(self, client):
        assert client.hears("POST", "Zone/Example.org/") == [
            "create: New zone example.org created.  Publish it to put it on our server."
        ]
        assert client.hears("GET", "Zone/example.org/") == ["get: Your zone, example.org"]
        for name in ("example.com", "example.net"):
            client.does("POST", f"Zone/{name}/")
        for args in ({}, {"detail": "Y"}):
            assert client.hears("GET", "Zone/", args) == ["get: Your 3 zones"]

    def test_a_second_one_of_that_name_is_refused(self, client):
        client.does("POST", "Zone/example.org/")
        assert client.fails("POST", "Zone/example.org/") == (400, "TARGET_EXISTS")
        assert client.said == "name: Name already exists"
        assert client.closing == "create: You already have this zone."

    def test_an_unknown_one_is_not_found(self, client):
        for path in ("Zone/example.org/", "RTTM/example.org/", "RTTM/example.org/a.example.org"):
            assert client.fails("GET", path) == (404, "NOT_FOUND")
            assert client.said == "zone: No such zone"

    def test_a_bad_name_is_refused(self, client):
        assert client.fails("POST", "Zone/example..org/") == (400, "INVALID_DATA")

    def test_a_service_brings_its_zone_with_it(self, client, service):
        assert client.does("GET", "Zone/") == ["/REST/Zone/example.com/"]
        assert client.does("GET", "Zone/example.com/")["serial"] == 2  # one change was recorded

    def test_a_refused_service_brings_none(self, client):
        client.fails("POST", SERVICE, WANTED | {"ttl": 7})
        assert client.does("GET", "Zone/") == []

    def test_a_setting_asks_for_zones_to_be_there_first(self, client, settings):
        settings.ENGINE_CREATE_ZONES = False
        assert client.fails("POST", SERVICE, WANTED) == (404, "NOT_FOUND")
        client.does("POST", "Zone/example.com/")
        client.does("POST", SERVICE, WANTED)


class TestService:
    def test_it_is_answered_with_every_field_and_its_default(self, service):
        assert {**service, "region": []} == {
            "zone": "example.com", "fqdn": "www.example.com", "active": "Y", "status": "unk",
            "task_id": "", "ttl": 30, "auto_recover": "Y", "recovery_delay": 0,
            "contact_nickname": "owner", "notify_events": "", "syslog_server": "",
            "syslog_port": 514, "syslog_ident": "dynect", "syslog_facility": "daemon",
            "syslog_delivery": "change", "syslog_probe_fmt": "", "syslog_status_fmt": "",
            "syslog_rttm_fmt": "",
            "monitor": {"protocol": "HTTP", "interval": 5, "retries": 1, "timeout": 0, "port": 0,
                        "path": "", "host": "", "header": "", "expected": ""},
            "performance_monitor": {"protocol": "HTTP", "interval": 20, "retries": 1,
                                    "timeout": 0, "port": 0, "path": "", "host": "",
                                    "header": "", "expected": ""},
            "region": [],
        }  # fmt: skip
        assert service["region"] == [
            {"region_code": "global", "autopopulate": "N", "ep": 2, "apmc": 1, "epmc": 1,
             "serve_count": 1, "failover_mode": "ip", "failover_data": "192.0.2.99",
             "status": "unk",
             "pool": [{"address": "192.0.2.1", "label": "", "weight": 5, "serve_mode": "obey",
                       "status": "unk", "log": []},
                      {"address": "192.0.2.2", "label": "", "weight": 1, "serve_mode": "obey",
                       "status": "unk", "log": []}]}
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "path", [SERVICE, f"{SERVICE}/", f"{SERVICE}./", "RTTM/EXAMPLE.com./WWW.Example.com/"]
    )
    def test_its_name_may_be_spelled_in_many_ways(self, client, service, path):
        assert client.does("GET", path) == service

    def test_the_messages_are_those_of_dyn(self, client):
        said = client.hears("POST", SERVICE, WANTED)
        assert said == ["add_node: New node added to zone", "add: Service added"]
        assert client.hears("GET", SERVICE) == ["get: Here are your services"]
        for args in ({}, {"detail": "Y"}):
            assert client.hears("GET", "RTTM/example.com/", args) == ["GET: Found 1 services"]
        assert client.hears("PUT", SERVICE, {"ttl": 60}) == ["update: Update successful"]
        assert client.hears("DELETE", SERVICE) == ["delete: Service deleted"]

    def test_without_a_health_monitor_nothing_is_probed(self, client):
        wanted = {key: value for key, value in WANTED.items() if key != "monitor"}
        assert client.does("POST", SERVICE, wanted)["monitor"]["protocol"] == "NONE"

    @pytest.mark.parametrize(
        ("change", "code", "said"),
        [
            ({"ttl": 31}, "INVALID_DATA", "ttl: ttl must be one of 30, 60, 150, 300, 450."),
            ({"contact_nickname": ""}, "INVALID_DATA", "contact_nickname: "),
            ({"region": []}, "INVALID_DATA", "region: A service needs the global region."),
            ({"region": [{"region_code": "global"}]}, "INVALID_DATA", "region[global].pool: "),
            ({"monitor": {"interval": 5}}, "MISSING_DATA", "monitor.protocol: "),
            ({"region": WANTED["region"] * 2}, "INVALID_DATA", "region: Region global is given"),
        ],
    )
    def test_a_broken_rule_is_told_by_its_field(self, client, change, code, said):
        assert client.fails("POST", SERVICE, WANTED | change) == (400, code)
        assert client.said.startswith(said)
        assert client.closing == "add: Nothing was added"

    def test_every_missing_field_is_told(self, client):
        messages = client.reply("POST", SERVICE, {}).json["msgs"]
        missing = [m["INFO"].partition(":")[0] for m in messages if m["ERR_CD"] == "MISSING_DATA"]
        assert missing == ["contact_nickname", "performance_monitor", "region"]

    def test_an_address_given_twice_is_a_mistake_of_the_request(self, client):
        pool = [{"address": "192.0.2.1"}, {"address": "192.0.2.1"}]
        region = [{"region_code": "global", "pool": pool, "failover_data": ""}]
        assert client.fails("POST", SERVICE, WANTED | {"region": region})[1] == "INVALID_DATA"

    def test_a_name_outside_the_zone_is_refused(self, client):
        assert client.fails("POST", "RTTM/example.com/www.example.org", WANTED)[0] == 400
        assert client.said.startswith("fqdn: ")

    def test_a_second_one_at_the_node_is_refused(self, client, service):
        assert client.fails("POST", SERVICE, WANTED) == (400, "TARGET_EXISTS")

    def test_read_only_fields_change_nothing(self, client, service):
        changed = service | {"active": "N", "status": "failover", "task_id": "7", "zone": "x"}
        assert client.does("PUT", SERVICE, changed) == service

    def test_the_whole_list_of_regions_is_replaced(self, client, service):
        regions = [*WANTED["region"], {"region_code": "US East", "pool": [{"address": "a.b.c"}]}]
        after = client.does("PUT", SERVICE, {"region": regions})
        assert [region["region_code"] for region in after["region"]] == ["global", "US East"]
        assert client.does("PUT", SERVICE, {"region": WANTED["region"]}) == service

    def test_what_is_allowed_but_odd_is_told(self, client):
        region = WANTED["region"][0] | {"apmc": 5}
        said = client.hears("POST", SERVICE, WANTED | {"region": [region]})
        assert said[-1].startswith("region[global].apmc: apmc 5 is more than the pool's 2")

    def test_a_zone_lists_its_services(self, client, service):
        assert client.does("GET", "RTTM/example.com/") == [f"/REST/{SERVICE}/"]
        assert client.does("GET", "RTTM/example.com/", {"detail": "Y"}) == [service]
        assert client.does("GET", "RTTM/example.com", query={"detail": "Y"}) == [service]
        client.does("DELETE", SERVICE)
        assert client.does("GET", "RTTM/example.com/") == []


class TestActions:
    @pytest.mark.parametrize("action", ["activate", "deactivate", "recover", "recoverip"])
    @pytest.mark.parametrize("odd", [{}, [1], 7, 1.5, [True]])
    def test_an_order_of_a_wrong_type_is_refused(self, client, service, action, odd):
        args = {action: odd, "address": "192.0.2.1"}
        assert client.fails("PUT", SERVICE, args) == (400, "INVALID_DATA")
        assert client.said == f"{action}: {action} must be true or false"
        assert client.does("GET", SERVICE) == service

    def test_an_order_in_other_words_is_refused(self, client, service):
        assert client.fails("PUT", SERVICE, {"deactivate": "perhaps"}) == (400, "INVALID_DATA")
        assert client.does("GET", SERVICE) == service

    def test_activate_and_deactivate(self, client, service):
        assert client.does("PUT", SERVICE, {"deactivate": True})["active"] == "N"
        assert client.hears("PUT", SERVICE, {"deactivate": "Y"}) == [
            "deactivate: Service is inactive already"
        ]
        assert client.does("PUT", SERVICE, {"activate": 1})["active"] == "Y"
        assert client.hears("PUT", SERVICE, {"activate": "true"}) == [
            "activate: Service is active already"
        ]

    def test_an_action_that_is_not_asked_for_is_none(self, client, service):
        assert client.does("PUT", SERVICE, {"deactivate": False, "recover": "N"}) == service

    @pytest.mark.parametrize(
        "args",
        [
            {"activate": True, "deactivate": True},
            {"activate": True, "ttl": 60},
            {"recover": True, "address": "192.0.2.1"},
        ],
    )
    def test_an_action_comes_alone(self, client, service, args):
        assert client.fails("PUT", SERVICE, args) == (400, "INVALID_DATA")
        assert client.does("GET", SERVICE) == service

    def test_recover_tells_what_happened_to_each(self, client):
        pool = [{"address": f"192.0.2.{n}", "serve_mode": "remove"} for n in (1, 2)]
        region = WANTED["region"][0] | {"pool": pool, "apmc": 2}
        client.does("POST", SERVICE, WANTED | {"region": [region], "auto_recover": "N"})
        probed(_1="down", _2="down")
        probed(_1="up")
        messages = client.reply("PUT", SERVICE, {"recover": True}).json["msgs"]
        said = [message["INFO"] for message in messages]
        assert [message["LVL"] for message in messages] == ["INFO", "WARN", "WARN"]
        assert said[:2] == [
            "recover: 192.0.2.1 is available again",
            "recover: 192.0.2.2 is still down, so it stays out",
        ]
        assert said[2].startswith("recover: global stays in failover: 1 available, needs 2 (apmc)")
        probed(_2="up")
        assert client.hears("PUT", SERVICE, {"recover": True}) == [
            "recover: 192.0.2.2 is available again",
            "recover: global is out of failover",
        ]
        assert client.hears("PUT", SERVICE, {"recover": True}) == [
            "recover: Nothing was waiting for recover"
        ]

    def test_recover_of_an_inactive_service_says_when_its_regions_decide(self, client):
        client.does("POST", SERVICE, WANTED | {"auto_recover": "N"})
        probed(_1="down", _2="down")
        client.does("PUT", SERVICE, {"deactivate": True})
        assert client.hears("PUT", SERVICE, {"recover": True}) == [
            "recover: global decides when the service is activated"
        ]

    @pytest.mark.parametrize(
        "args",
        [
            {"recoverip": True, "address": "192.0.2.1"},
            {"recover": True, "recoverip": "192.0.2.1", "address": "192.0.2.1"},
            {"recover": True, "recoverip": "Y", "address": "192.0.2.1."},
        ],
    )
    def test_recoverip_brings_back_one_address(self, client, args):
        pool = [{"address": f"192.0.2.{n}", "serve_mode": "remove"} for n in (1, 2)]
        region = WANTED["region"][0] | {"pool": pool}
        client.does("POST", SERVICE, WANTED | {"region": [region]})
        probed(_1="down", _2="down")
        probed(_1="up", _2="up")
        reply = client.reply("PUT", SERVICE, args).json
        assert [message["INFO"] for message in reply["msgs"]] == [
            "recoverip: 192.0.2.1 is available again",
            "recoverip: global is out of failover",
        ]
        messages = [entry["log"][0]["message"] for entry in reply["data"]["region"][0]["pool"]]
        assert messages == ["said up", "said up; waits for recover"]

    def test_recoverip_of_an_address_that_does_not_wait_says_so(self, client, service):
        args = {"recoverip": True, "address": "192.0.2.1"}
        assert client.hears("PUT", SERVICE, args) == [
            "recoverip: 192.0.2.1 was not waiting for recover"
        ]
        probed(_1="down")
        assert client.hears("PUT", SERVICE, args) == [
            "recoverip: 192.0.2.1 is down, and comes back when a probe succeeds"
        ]

    def test_recoverip_needs_an_address_of_the_service(self, client, service):
        assert client.fails("PUT", SERVICE, {"recoverip": True}) == (400, "MISSING_DATA")
        args = {"recoverip": True, "address": "192.0.2.77"}
        assert client.fails("PUT", SERVICE, args) == (404, "NOT_FOUND")
        assert client.said.startswith("address: ")


class TestRegion:
    def test_it_is_created_read_changed_listed_and_deleted(self, client, service):
        asia = client.does("POST", REGION, {"region_code": "Asia", "pool": [{"address": "a.b.c"}]})
        assert (asia["zone"], asia["fqdn"], asia["ep"]) == ("example.com", "www.example.com", 1)
        assert client.does("GET", f"{REGION}/Asia") == asia
        assert client.does("PUT", f"{REGION}/Asia/", {"ep": 3}) == asia | {"ep": 3}
        assert client.does("GET", REGION) == [f"/REST/{REGION}/global/", f"/REST/{REGION}/Asia/"]
        assert client.does("GET", REGION, {"detail": "Y"})[1] == asia | {"ep": 3}
        assert client.does("DELETE", f"{REGION}/Asia/") == {}
        assert client.does("GET", SERVICE) == service

    def test_a_code_with_a_blank_is_encoded_in_paths(self, client, service):
        args = {"region_code": "US East", "autopopulate": "Y"}
        client.does("POST", REGION, args)
        assert f"/REST/{REGION}/US%20East/" in client.does("GET", REGION)
        assert client.does("GET", f"{REGION}/US%20East/")["region_code"] == "US East"

    def test_regions_are_kept_in_the_order_of_every_page(self, client, service):
        for code in ("Asia", "EU West", "US East"):
            client.does("POST", REGION, {"region_code": code, "autopopulate": "Y"})
        codes = [region["region_code"] for region in client.does("GET", SERVICE)["region"]]
        assert codes == ["global", "US East", "EU West", "Asia"]

    @pytest.mark.parametrize(
        ("args", "status", "code"),
        [
            ({"region_code": "global", "pool": []}, 400, "TARGET_EXISTS"),
            ({"region_code": "Mars", "pool": [{"address": "192.0.2.1"}]}, 400, "INVALID_DATA"),
            ({"pool": [{"address": "192.0.2.1"}]}, 400, "MISSING_DATA"),
            ({"region_code": "Asia", "pool": []}, 400, "INVALID_DATA"),
            ({"region_code": "Asia", "pool": [{}]}, 400, "MISSING_DATA"),
        ],
    )
    def test_what_cannot_be_created(self, client, service, args, status, code):
        assert client.fails("POST", REGION, args) == (status, code)

    def test_global_and_targets_of_others_stay(self, client, service):
        assert client.fails("DELETE", f"{REGION}/global") == (400, "ILLEGAL_OPERATION")
        pool = [{"address": "192.0.2.1"}]
        client.does("POST", REGION, {"region_code": "Asia", "pool": pool})
        target = {"failover_mode": "region", "failover_data": "Asia"}
        client.does("PUT", f"{REGION}/global", target)
        assert client.fails("DELETE", f"{REGION}/Asia") == (400, "ILLEGAL_OPERATION")
        assert client.said == "region_code: Region global fails over to it."

    def test_an_unknown_one_is_not_found(self, client, service):
        for method in ("GET", "PUT", "DELETE"):
            assert client.fails(method, f"{REGION}/Asia/") == (404, "NOT_FOUND")

    def test_ignored_options_of_an_autopopulated_region_are_told(self, client, service):
        client.does("POST", REGION, {"region_code": "Asia", "autopopulate": "Y"})
        said = client.hears("PUT", f"{REGION}/Asia", {"ep": 1})
        assert said[1].startswith("autopopulate: The region is filled from global")
        assert client.does("GET", f"{REGION}/Asia")["ep"] == 2

    def test_an_autopopulated_region_shows_the_global_settings_and_pool(self, client, service):
        args = {"region_code": "Asia", "pool": [{"address": "192.0.2.7"}], "serve_count": 3}
        own = client.does("POST", REGION, args)
        shown = client.does("PUT", f"{REGION}/Asia", {"autopopulate": "Y"})
        given = client.does("GET", f"{REGION}/global")
        assert shown == given | {"region_code": "Asia", "autopopulate": "Y"}
        assert client.does("PUT", f"{REGION}/Asia", {"autopopulate": "N"}) == own


class TestPoolEntry:
    def test_it_is_created_read_changed_listed_and_deleted(self, client, service):
        entry = client.does("POST", f"{ENTRY}/global", {"address": "A.example.net."})
        assert entry == {
            "address": "a.example.net", "label": "", "weight": 1, "serve_mode": "obey",
            "status": "unk", "log": [], "task_id": "", "zone": "example.com",
            "fqdn": "www.example.com", "region_code": "global",
        }  # fmt: skip
        assert client.does("GET", f"{ENTRY}/global/a.example.net./") == entry
        changed = {"weight": "7", "label": "x", "serve_mode": "no"}
        after = entry | changed | {"weight": 7}
        assert client.does("PUT", f"{ENTRY}/global/a.example.net", changed) == after
        assert client.does("GET", f"{ENTRY}/global")[2] == f"/REST/{ENTRY}/global/a.example.net/"
        assert client.does("GET", f"{ENTRY}/global", {"detail": "Y"})[2] == after
        assert client.does("DELETE", f"{ENTRY}/global/a.example.net") == {}
        assert client.does("GET", SERVICE) == service

    def test_a_new_address_renames_it_in_its_place(self, client, service):
        probed(_1="down")
        renamed = {"new_address": "192.0.2.3"}
        entry = client.does("PUT", f"{ENTRY}/global/192.0.2.1", renamed)
        assert (entry["address"], entry["status"], entry["weight"]) == ("192.0.2.3", "unk", 5)
        pool = client.does("GET", SERVICE)["region"][0]["pool"]
        assert [entry["address"] for entry in pool] == ["192.0.2.3", "192.0.2.2"]
        assert client.fails("GET", f"{ENTRY}/global/192.0.2.1") == (404, "NOT_FOUND")

    def test_an_address_in_the_body_does_not_rename(self, client, service):
        path = f"{ENTRY}/global/192.0.2.1"
        assert client.does("PUT", path, {"address": "192.0.2.1."})["address"] == "192.0.2.1"
        assert client.fails("PUT", path, {"address": "192.0.2.3"}) == (400, "INVALID_DATA")
        assert client.said.startswith("address: address must be 192.0.2.1")

    @pytest.mark.parametrize(
        ("args", "code"),
        [
            ({}, "MISSING_DATA"),
            ({"address": "192.0.2.1"}, "TARGET_EXISTS"),
            ({"address": "192.0.2.300"}, "INVALID_DATA"),
            ({"address": ["192.0.2.3"]}, "INVALID_DATA"),
            ({"address": "192.0.2.3", "weight": 16}, "INVALID_DATA"),
            ({"address": "192.0.2.3", "weight": 1.5}, "INVALID_DATA"),
            ({"address": "192.0.2.3", "serve_mode": "maybe"}, "INVALID_DATA"),
            ({"address": "192.0.2.3", "label": "x" * 256}, "INVALID_DATA"),
        ],
    )
    def test_what_cannot_be_created(self, client, service, args, code):
        assert client.fails("POST", f"{ENTRY}/global", args) == (400, code)
        assert client.does("GET", SERVICE) == service

    def test_a_rename_to_a_taken_address_is_refused(self, client, service):
        args = {"new_address": "192.0.2.2"}
        assert client.fails("PUT", f"{ENTRY}/global/192.0.2.1", args) == (400, "TARGET_EXISTS")

    def test_the_last_one_stays(self, client, service):
        client.does("DELETE", f"{ENTRY}/global/192.0.2.1")
        assert client.fails("DELETE", f"{ENTRY}/global/192.0.2.2") == (400, "ILLEGAL_OPERATION")

    def test_the_pool_of_an_autopopulated_region_is_not_edited(self, client, service):
        client.does("POST", REGION, {"region_code": "Asia", "autopopulate": "Y"})
        assert len(client.does("GET", f"{ENTRY}/Asia")) == 2
        illegal = (400, "ILLEGAL_OPERATION")
        assert client.fails("POST", f"{ENTRY}/Asia", {"address": "192.0.2.3"}) == illegal
        assert client.fails("PUT", f"{ENTRY}/Asia/192.0.2.1", {"weight": 2}) == illegal
        assert client.fails("DELETE", f"{ENTRY}/Asia/192.0.2.1") == illegal


class TestReports:
    SPAN = {"zone": "example.com.", "fqdn": "WWW.example.com", "start_ts": 0, "end_ts": int(NOW)}

    def test_the_log_is_told_in_strings(self, client, service):
        [record] = client.does("POST", "RTTMLogReport/", self.SPAN)
        assert record == {
            "serial": "2", "change_ts": str(int(NOW)), "change_type": "user",
            "region_code": "global", "region_status": "unk", "user_name": "olga",
            "serve_count": "1", "rdata_type": "A",
            "region_rdata": [
                {"weight": "5", "rdata_a": {"address": "192.0.2.1"}},
                {"weight": "1", "rdata_a": {"address": "192.0.2.2"}},
            ],
        }  # fmt: skip
        moment = {"zone": "example.com", "fqdn": "www.example.com", "ts": str(int(NOW))}
        assert client.does("POST", "RTTMRRSetReport", moment) == [record]

    @pytest.mark.parametrize(
        ("change", "answer"),
        [
            ({"end_ts": None}, (400, "MISSING_DATA")),
            ({"zone": ""}, (400, "MISSING_DATA")),
            ({"fqdn": 7}, (400, "INVALID_DATA")),
            ({"start_ts": "yesterday"}, (400, "INVALID_DATA")),
            ({"start_ts": int(NOW), "end_ts": int(NOW) - 1}, (400, "INVALID_DATA")),
            ({"end_ts": int(NOW) + 2 * 86_400}, (400, "INVALID_DATA")),
            ({"end_ts": 10**30}, (400, "INVALID_DATA")),
            ({"fqdn": "api.example.com"}, (404, "NOT_FOUND")),
        ],
    )
    def test_what_cannot_be_reported(self, client, service, change, answer):
        assert client.fails("POST", "RTTMLogReport", self.SPAN | change) == answer

    def test_a_deleted_service_still_has_its_log(self, client, service):
        client.does("DELETE", SERVICE)
        log = client.does("POST", "RTTMLogReport/", self.SPAN)
        assert [record["region_status"] for record in log] == ["unk", "reg_remove"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", ""), ("GET", "Nonsense/"), ("PATCH", SERVICE), ("GET", "RTTM/")),
        *(("GET", f"{SERVICE}/more/"), ("DELETE", "Zone/example.com/"), ("PUT", REGION)),
        *(("GET", "RTTMLogReport/"), ("BREW", "Session/")),
    ],
)
def test_an_unknown_call_is_refused(client, method, path):
    assert client.fails(method, path) == (400, "INVALID_REQUEST")


def test_an_api_version_that_is_none_is_refused(client):
    for version in ("latest", "9.9.9"):
        headers = {"auth-token": client.token, "api-version": version}
        assert client.fails("GET", "Session/", headers=headers) == (400, "INVALID_VERSION")
        assert client.fails("POST", "Session/", NAMES, headers=headers) == (400, "INVALID_VERSION")


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(client, service, body):
    assert client.fails("PUT", SERVICE, body=body) == (400, "INVALID_DATA")
    assert client.fails("GET", SERVICE, body=body) == (400, "INVALID_DATA")


def test_a_refused_change_leaves_nothing_behind(client, service):
    before = models.Service.objects.values().get()
    asia = {"region_code": "Asia", "pool": [{"address": "192.0.2.7"}]}
    args = {"ttl": 60, "region": [*WANTED["region"], asia, {"region_code": "Mars"}]}
    assert client.fails("PUT", SERVICE, args)[0] == 400
    assert models.Service.objects.values().get() == before
    assert models.ResponseRecord.objects.count() == 1
