"""Who may do what, as the pages offer it; what the server refuses is tested without a browser."""

from playwright.sync_api import expect

from tests.stack import ADA, OLGA, VERA


def test_viewer_sees_everything_and_no_control_that_changes_it(browse, site, complaints):
    complaints.expected.append("status of 403")
    page = site.opened(browse(VERA))
    expect(page.get_by_role("heading", name=site.fqdn)).to_be_visible()
    expect(site.row(page)).to_contain_text("192.0.2.1")
    main = page.get_by_role("main")
    expect(main.get_by_role("button")).to_have_count(0)
    for words in ("Edit", "Delete", "Add", "Recover", "Deactivate"):
        expect(main.get_by_role("link", name=words)).to_have_count(0)
    expect(page.get_by_role("button", name="Sync")).to_have_count(0)
    page.goto(f"{site.path}deactivate/")
    expect(page.get_by_role("heading", name="Your account may not do this")).to_be_visible()


def test_only_an_admin_is_offered_the_accounts(browse, site):
    for account, count in ((OLGA, 0), (ADA, 1)):
        page = browse(account)
        page.goto("/")
        navigation = page.get_by_role("navigation", name="Main")
        expect(navigation.get_by_role("link", name="Admin")).to_have_count(count)


def test_stranger_logs_in_to_the_page_that_was_asked_for_and_out(browse, site, complaints):
    complaints.expected += ["status of 401", "Code 401"]  # what the page reads while it is left
    page = site.opened(browse(None))
    page.get_by_label("User name").fill(OLGA.username)
    page.get_by_label("Password").fill("not hers")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("User name")).to_have_value(OLGA.username)
    page.get_by_label("Password").fill(OLGA.password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name=site.fqdn)).to_be_visible()
    page.get_by_label(f"Account of {OLGA.username}").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    site.opened(page)
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
