"""Asking the backend: a client for each who asks, kept for the next."""

from collections import deque

from rttm import backend as backend_module


def test_clients_are_kept_for_the_next_who_asks(backend):
    with backend_module.backend() as first, backend_module.backend() as second:
        assert first is not second
    with backend_module.backend() as third:
        assert third in (first, second)


def test_who_finds_that_another_thread_took_the_last_client_gets_a_new_one(backend, monkeypatch):
    class TakenMeanwhile(deque):
        def __bool__(self) -> bool:
            return True  # one was there when somebody looked

    monkeypatch.setattr(backend_module, "_idle", TakenMeanwhile())
    with backend_module.backend() as client:
        assert client not in backend_module._idle
