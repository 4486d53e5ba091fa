"""The sync button tells how its sync goes, to the end, as often as it is asked."""

from playwright.sync_api import expect


def test_sync_is_followed_to_its_end_and_can_be_asked_for_again(page, site):
    site.opened(page)
    told = page.get_by_role("banner").get_by_role("status").filter(has_text="Sync")
    for _ in range(2):
        with page.expect_response("**/sync/") as answer:
            page.get_by_role("button", name="Sync", exact=True).click()
        assert "queued" in answer.value.text()
        expect(told).to_contain_text("Sync done")
    expect(told).to_have_count(1)
