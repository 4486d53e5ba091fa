/* Behaviour that HTML does not have. It is named in the HTML (data-…), so grep finds it. */
"use strict";
const IDLE = 10_000; // ms after which a reader has left the page alone
const STEPS = [[172800, 86400, "d"], [3600, 3600, "h"], [60, 60, "min"], [0, 1, "s"]]; // as in templatetags/rttm.py
const one = (selector) => document.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const on = (name, act) => document.addEventListener(name, act);
const say = (part, text) => { if (part.textContent !== text) part.textContent = text; };
const silence = 3 * 1000 * Number(document.body.dataset.syncInterval), pageTitle = document.title.slice(one("#counts").dataset.title.length);
// By id: the event that asked for a refresh which waits, and what a component was before its swap. And whose answer is awaited.
const held = new Map(), left = new Map(), asking = new Set();
let skew = 0, newsAt = Date.now(), lostAt = 0, touchedAt = Date.now(), said = "", source = null;
/* Ages count on; what is older than it should be is marked; a new order is taken when nobody looks. */
function tick() {
  const synced = Date.parse(one("#freshness time")?.dateTime) || 0;
  for (const time of all("time[data-age]")) {
    const seen = Math.max(Date.parse(time.dateTime), "withSync" in time.dataset ? synced : 0);
    const age = Math.max(0, Math.floor((Date.now() + skew - seen) / 1000));
    const [, unit, word] = STEPS.find(([from]) => age >= from);
    say(time, `${Math.floor(age / unit)} ${word}`);
    if (time.dataset.staleAfter) time.classList.toggle("stale", age > Number(time.dataset.staleAfter));
  }
  if (Date.now() - touchedAt > IDLE) one("[data-resort]")?.click();
  warn();
}
/* A page that no longer hears from the server must not look fresh. */
function warn() {
  const why = !navigator.onLine ? "This browser is offline." : lostAt && Date.now() - lostAt > 3000 ? "The server does not answer."
    : one("[sse-connect]") && Date.now() - newsAt > silence ? "The server has sent no news." : "";
  const from = `What you see is from ${new Date(newsAt).toLocaleTimeString()} or older; what you typed stays. Trying again.`;
  say(one("[data-lost]"), why && `${why} ${from}`);
}
/* A live refresh waits that would take away an editor, one about to open, or a row under the pointer. */
const isBusy = (target) => target.querySelector("[data-editor]") || target.matches("[data-hold]:hover") ||
  [...asking].some((item) => target.contains(item)) || (target.contains(document.activeElement) && document.activeElement.matches("input, select, textarea"));
function release() {
  for (const [id, type] of held) {
    const target = document.getElementById(id);
    if (!target || !(isBusy(target) || target.matches(".htmx-request"))) held.delete(id);
    if (target && !held.has(id)) htmx.trigger(target, type);
  }
}
function resync() {
  if (!isBusy(document.body) && performance.now() > IDLE) return location.reload();
  all("[hx-trigger*='sse:']").forEach((part) => htmx.trigger(part, part.getAttribute("hx-trigger").match(/sse:[\w-]+/)[0]));
}
const liveCause = (detail) => [detail.requestConfig?.triggeringEvent?.type].find((type) => type?.startsWith("sse:"));
const hold = (detail) => liveCause(detail) && isBusy(detail.target) && held.set(detail.target.id, liveCause(detail));
on("htmx:beforeRequest", (event) => hold(event.detail) ? event.preventDefault() : liveCause(event.detail) || asking.add(event.detail.elt));
on("htmx:sseMessage", ({ target, detail: { type } }) => target.matches(".htmx-request") && held.set(target.id, `sse:${type}`)); // read too early
["focusout", "mouseout"].forEach((name) => on(name, () => held.size && setTimeout(release)));
/* After a swap: what changed fades, the focus goes on where it was, title and icon follow the counts. */
const words = (part) => { const copy = part.cloneNode(true); all("time", copy).forEach((time) => time.remove()); return copy.textContent; };
const nameOf = (item) => item.tagName + item.textContent.trim() + (item.name ?? "");
on("htmx:beforeSwap", ({ detail, detail: { target } }) => {
  if (hold(detail)) return void (detail.shouldSwap = false); // an editor was opened after this was asked for
  all(".htmx-request[hx-trigger*='sse:']", target).forEach((part) => held.set(part.id, `sse:${part.id}`));
  left.set(target.id, { words: words(target), focus: target.contains(document.activeElement) && nameOf(document.activeElement) });
});
on("htmx:afterSettle", ({ detail }) => {
  const part = document.getElementById(detail.target.id), was = left.get(detail.target.id);
  if (part && was && liveCause(detail) && words(part) !== was.words) part.classList.add("fresh");
  if (was?.focus && document.activeElement === document.body) {
    const able = part ? all("a[href], button, input:not([type=hidden]), select, textarea, summary", part) : [];
    (able.find((item) => nameOf(item) === was.focus) ?? able.find((item) => "return" in item.dataset) ?? able[0] ?? one("#main")).focus();
  }
  left.delete(detail.target.id);
  head(); tick(); release();
});
on("animationend", ({ target }) => target.closest(".fresh")?.classList.remove("fresh"));
function head() {
  const { title, icon, words } = one("#counts").dataset;
  document.title = title + pageTitle;
  if (one("link[rel=icon]").getAttribute("href") !== icon) one("link[rel=icon]").href = icon;
  if (said !== words) say(one("[data-announcer]"), said ? `Services: ${words}` : "");
  said = words;
}
/* The live stream. The extension opens it again when it closed; the server replays or says resync. */
const hear = () => { newsAt = Date.now(); };
on("htmx:sseOpen", ({ detail }) => {
  lostAt = 0; source = detail.source; // listening twice to the same one is listening once
  [["resync", resync], ["freshness", hear]].forEach(([name, act]) => source.addEventListener(name, act));
});
["htmx:sseError", "htmx:sendError"].forEach((name) => on(name, () => { lostAt ||= Date.now(); }));
on("htmx:afterRequest", ({ detail: { elt, xhr } }) => {
  asking.delete(elt); release();
  if (xhr.status && source?.readyState === EventSource.OPEN) lostAt = 0;
  const ahead = Date.parse(xhr.getResponseHeader("Date")) - Date.now(); // ages are told by the server's clock
  if (!Number.isNaN(ahead)) skew = Math.abs(ahead) > 2000 ? ahead : 0;
});
addEventListener("beforeunload", (event) => {
  const typed = all("[data-editor] :is(input, textarea)").some((field) => field.type !== "hidden" && field.value !== field.defaultValue);
  if (typed || all("[data-editor] option").some((item) => item.selected !== item.defaultSelected)) event.preventDefault();
});
["pointermove", "keydown", "wheel", "touchstart"].forEach((name) => on(name, () => { touchedAt = Date.now(); }));
on("click", ({ target: { dataset: { browserZone } } }) => {
  if (browserZone) document.getElementById(browserZone).value = Intl.DateTimeFormat().resolvedOptions().timeZone;
});
head(); tick(); setInterval(tick, 1000);
