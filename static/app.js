/* Behaviour that HTML does not have. It is named in the HTML (data-…), so grep finds it. */
"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const now = () => Date.now() + skew;
const isLive = (event) => event?.type?.startsWith("sse:");
const interval = Number(document.body.dataset.syncInterval) * 1000;
const pageTitle = document.title.slice(counts()?.dataset.title.length ?? 0);
const held = new Map(); // components whose refresh waits: id → the event that asked for it
let skew = 0, newsAt = Date.now(), stream = "", openSource = null, said = "", left = null;

function counts() { return document.getElementById("counts"); }

/* Ages count on; what is older than it should be is marked. */
function tick() {
  const synced = Date.parse(document.querySelector("#freshness time")?.dateTime ?? "") || 0;
  for (const time of all("time[data-age]")) {
    const seen = Math.max(Date.parse(time.dateTime), "withSync" in time.dataset ? synced : 0);
    const age = Math.max(0, Math.floor((now() - seen) / 1000));
    const [unit, word] = age >= 172800 ? [86400, "d"] : age >= 3600 ? [3600, "h"] : age >= 60 ? [60, "min"] : [1, "s"];
    const words = `${Math.floor(age / unit)} ${word}`;
    if (time.textContent !== words) time.textContent = words;
    if (time.dataset.staleAfter) time.classList.toggle("stale", age > Number(time.dataset.staleAfter));
  }
  lost();
}

/* A banner when this page no longer hears from the server: it must not look fresh. */
function lost() {
  const silent = Date.now() - newsAt > 3 * interval;
  const since = new Date(newsAt).toLocaleTimeString();
  const banner = document.querySelector("[data-lost]");
  const words = !navigator.onLine ? "This browser is offline." : stream ? stream : silent ? "The server has sent no news." : "";
  const text = words && `${words} What you see is from ${since}. Trying again; what you typed stays.`;
  if (banner.textContent !== text) banner.textContent = text;
  banner.hidden = !text;
}

/* A refresh that would take away an open editor, or a row from under the pointer, waits. */
function isBusy(target) {
  return target.querySelector("[data-editor], dialog[open]") || target.matches("[data-hold]:hover") ||
    (target.contains(document.activeElement) && document.activeElement.matches("input, select, textarea"));
}
function release() {
  for (const [id, type] of held) {
    const target = document.getElementById(id);
    if (target && isBusy(target)) continue;
    held.delete(id);
    if (target) htmx.trigger(target, type);
  }
}
function resync() {
  for (const element of all("[hx-trigger*='sse:']")) htmx.trigger(element, element.getAttribute("hx-trigger").match(/sse:[\w-]+/)[0]);
}

const words = (element) => { const copy = element.cloneNode(true); all("time", copy).forEach((time) => time.remove()); return copy.textContent; };
const nameOf = (element) => element.tagName + element.textContent.trim() + (element.name ?? "");

document.addEventListener("htmx:beforeRequest", (event) => {
  const { target, requestConfig } = event.detail;
  if (!isLive(requestConfig.triggeringEvent) || !target.id || !isBusy(target)) return;
  held.set(target.id, requestConfig.triggeringEvent.type);
  event.preventDefault();
});
document.addEventListener("htmx:beforeSwap", ({ detail: { target } }) => {
  const focused = target.contains(document.activeElement) ? document.activeElement : null;
  left = { id: target.id, words: words(target), focus: focused && nameOf(focused) };
});
document.addEventListener("htmx:afterSettle", ({ detail: { requestConfig } }) => {
  const fresh = left && document.getElementById(left.id);
  if (fresh && isLive(requestConfig?.triggeringEvent) && words(fresh) !== left.words) fresh.classList.add("fresh");
  if (left?.focus && document.activeElement === document.body) {
    const able = fresh ? all("[autofocus], a[href], button, input:not([type=hidden]), select, textarea, summary", fresh) : [];
    (able.find((item) => item.autofocus) ?? able.find((item) => nameOf(item) === left.focus) ??
      able.find((item) => "return" in item.dataset) ?? able[0] ?? document.getElementById("main")).focus();
  }
  left = null;
  all("dialog[data-modal]:not([open])").forEach((dialog) => dialog.showModal());
  head(); tick(); release();
});
document.addEventListener("focusout", () => setTimeout(release));
document.addEventListener("mouseout", () => held.size && setTimeout(release));
document.addEventListener("animationend", ({ target }) => target.closest(".fresh")?.classList.remove("fresh"));

/* The tab's title and icon carry the counts; a change is said aloud. */
function head() {
  if (!counts()) return;
  const { title, icon, words } = counts().dataset;
  document.title = title + pageTitle;
  document.querySelector("link[rel=icon]").href = icon;
  if (said && said !== words) document.querySelector("[data-announcer]").textContent = `Services: ${words}`;
  said = words;
}

/* The live stream: the extension reopens one that closed; the page says so and then re-reads. */
document.addEventListener("htmx:sseOpen", ({ detail: { source } }) => {
  if (openSource && (source !== openSource || stream)) resync();
  if (source !== openSource) {
    source.addEventListener("resync", resync);
    source.addEventListener("freshness", () => { newsAt = Date.now(); });
  }
  openSource = source; stream = ""; newsAt = Date.now();
});
document.addEventListener("htmx:sseError", () => { stream = "The connection to the server is lost."; });
document.addEventListener("htmx:sendError", () => { stream = "The server does not answer."; });
document.addEventListener("htmx:afterRequest", ({ detail: { xhr } }) => {
  const date = Date.parse(xhr.getResponseHeader("Date") ?? "");
  if (date) skew = Math.abs(date - Date.now()) > 2000 ? date - Date.now() : 0;
});
addEventListener("pageshow", (event) => event.persisted && resync());
addEventListener("beforeunload", (event) => {
  const isDirty = (field) => "defaultValue" in field ? field.value !== field.defaultValue : all("option", field).some((option) => option.selected !== option.defaultSelected);
  if (all("[data-editor] :is(input:not([type=hidden]), textarea, select)").some(isDirty)) event.preventDefault();
});

/* Dialogs and menus close by Escape or a click beside them; the focus goes back. */
document.addEventListener("click", ({ target }) => {
  const opens = target.closest("[data-opens]"), zone = target.closest("[data-browser-zone]");
  if (opens) document.getElementById(opens.dataset.opens).showModal();
  if (target.closest("[data-closes]")) target.closest("dialog").close();
  if (zone) document.getElementById(zone.dataset.browserZone).value = Intl.DateTimeFormat().resolvedOptions().timeZone;
  all("details[data-menu][open]").forEach((menu) => menu.contains(target) || (menu.open = false));
});
document.addEventListener("keydown", ({ key }) => {
  const menu = key === "Escape" && document.querySelector("details[data-menu][open]");
  if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
});

head(); tick(); setInterval(tick, 1000);
