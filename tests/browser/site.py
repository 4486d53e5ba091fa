"""One service in front of a browser: where its parts are drawn, and what the backend has of it."""

from contextlib import closing
from typing import TypeVar

from playwright.sync_api import Locator, Page

from rttm.client import Call, calls
from rttm.core import schema
from tests.stack import Stack

T = TypeVar("T")


class Site:
    def __init__(self, stack: Stack, value: schema.Service) -> None:
        self.value, self.key, self.fqdn = value, value.key, value.fqdn
        self._stack = stack
        self.pk = stack.has(value)

    @property
    def path(self) -> str:
        return f"/services/{self.pk}/"

    def opened(self, page: Page) -> Page:
        page.goto(self.path)
        return page

    def row(self, page: Page, address: str = "192.0.2.1", code: str = "global") -> Locator:
        """It must be in the mirror now; what was found stays the same when it is deleted."""
        pk = self._stack.entry_pk(self.pk, address, code)
        assert pk, f"the mirror has no {address} in {code}"
        return page.locator(f"#pool-entry-{pk}")

    def region(self, page: Page, code: str = "global") -> Locator:
        return page.locator(f"#region-{self._stack.region_pk(self.pk, code)}")

    def region_pk(self, code: str = "global") -> int:
        pk: int = self._stack.region_pk(self.pk, code)
        return pk

    def card(self, page: Page) -> Locator:
        return page.locator(f"#service-{self.pk}")

    def history(self, page: Page) -> Locator:
        return page.locator(f"#service-history-{self.pk}")

    def edited(self, page: Page, address: str = "192.0.2.1") -> Locator:
        """The row with its editor opened."""
        page.get_by_role("link", name=f"Edit {address}").first.click()
        row = self.row(page, address)
        row.get_by_label("Weight").wait_for()
        return row

    def entry_there(self, address: str = "192.0.2.1", code: str = "global") -> schema.PoolEntry:
        """An entry as the backend has it."""
        return self.ask(calls.pool_entry(self.key, code, address))

    def region_there(self, code: str = "global") -> schema.Region:
        return self.ask(calls.region(self.key, code))

    def ask(self, call: Call[T]) -> T:
        """Somebody works at the backend itself."""
        with closing(self._stack.dynect()) as dynect:
            return dynect.run(call)
