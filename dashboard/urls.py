"""Every URL, nested per noun, as they read."""

from django.contrib import admin
from django.urls import include, path, register_converter

from dashboard.access import KeyConverter
from dashboard.health import healthz
from dashboard.views import (
    account,
    actions,
    activity,
    board,
    live,
    log_reports,
    missing,
    pool_entries,
    regions,
    services,
)

register_converter(KeyConverter, "key")

service_urls = [
    path("", services.service, name="service"),
    path("card/", services.service_card, name="service-card"),
    path("row/", board.service_row, name="service-row"),
    path("log/", services.service_log, name="service-log"),
    path("history/", services.service_history, name="service-history"),
    path("activate/", actions.service_activate, name="service-activate"),
    path("deactivate/", actions.service_deactivate, name="service-deactivate"),
    path("recover/", actions.service_recover, name="service-recover"),
    path("regions/add/", regions.region_add, name="region-add"),
    path("log-reports/add/", log_reports.log_report_add, name="log-report-add"),
]

region_urls = [
    path("", regions.region, name="region"),
    path("edit/", regions.region_edit, name="region-edit"),
    path("news/", regions.region_news, name="region-news"),
    path("delete/", regions.region_delete, name="region-delete"),
    path("pool-entries/add/", pool_entries.pool_entry_add, name="pool-entry-add"),
]

pool_entry_urls = [
    path("", pool_entries.pool_entry, name="pool-entry"),
    path("edit/", pool_entries.pool_entry_edit, name="pool-entry-edit"),
    path("news/", pool_entries.pool_entry_news, name="pool-entry-news"),
    path("delete/", pool_entries.pool_entry_delete, name="pool-entry-delete"),
    path("recover/", actions.pool_entry_recover, name="pool-entry-recover"),
]

log_report_urls = [
    path("", log_reports.log_report, name="log-report"),
    path("table/", log_reports.log_report_table, name="log-report-table"),
    path("log.csv", log_reports.log_report_csv, name="log-report-csv"),
]

urlpatterns = [
    path("", board.board, name="board"),
    path("counts/", board.counts, name="counts"),
    path("freshness/", board.freshness, name="freshness"),
    path("order/", board.board_order, name="board-order"),
    path("sync/", actions.sync, name="sync"),
    path("missing/", missing.missing, name="missing"),
    path("missing/confirm/", missing.missing_confirm, name="missing-confirm"),
    path("missing/dismiss/", missing.missing_dismiss, name="missing-dismiss"),
    path("services/<key:pk>/", include(service_urls)),
    path("regions/<key:pk>/", include(region_urls)),
    path("pool-entries/<key:pk>/", include(pool_entry_urls)),
    path("actions/<key:pk>/", actions.action, name="action"),
    path("log-reports/", log_reports.log_reports, name="log-reports"),
    path("log-reports/<key:pk>/", include(log_report_urls)),
    path("activity/", activity.activity, name="activity"),
    path("live/", live.live, name="live"),
    path("account/", account.account, name="account"),
    path("login/", account.LogIn.as_view(), name="login"),
    path("login/here/", account.Session.as_view(), name="session"),
    path("logout/", account.LogOut.as_view(), name="logout"),
    path("healthz", healthz, name="healthz"),
    path("admin/login/", account.admin_log_in),
    path("admin/", admin.site.urls),
]
