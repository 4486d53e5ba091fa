/* The page itself: ages that count on, the warning that it is old, title and icon.
   Behaviour is named in the HTML (data-…), so grep finds it. The other files need this one. */
"use strict";

const IDLE = 10_000; // ms after which a reader has left the page alone
const QUIET = 3000; // ms without an answer before we say so
const CLOCK_SET = 10_000; // ms by which a clock that was set differs; an answer is not so late
// From how many seconds on, the unit's seconds, and its word; as in templatetags/rttm.py.
const STEPS = [[172800, 86400, "d"], [3600, 3600, "h"], [60, 60, "min"], [0, 1, "s"]];

const one = (selector) => document.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const on = (name, act) => document.addEventListener(name, act);
const say = (part, text) => {
  if (part.textContent !== text) part.textContent = text;
};

/* When the server last told that it is fresh, when it last answered a question of this page, and
   how the stream is (state and heardAt: see stream.js). */
const server = { newsAt: Date.now(), answeredAt: 0, skew: 0, askedAt: 0, behindAt: 0 };
learnSkew(Number(document.body.dataset.drawnAt) - Date.now());
on("live:state", ({ detail }) => Object.assign(server, detail));

const MUFFLED = "The server answers, but its live news do not get here: reload the page.";
const WHY = {
  "full": "This account has as many live pages open as it may, so this page is not live. It reads"
    + " itself again twice a minute. Close pages in another browser to have it live.",
};
const interval = 1000 * Number(document.body.dataset.syncInterval);
const silence = 3 * interval;
const pageTitle = document.title.slice(one("#counts").dataset.title.length);
let touchedAt = Date.now();
let announced = "";

/* Ages count on; what is older than it should be is marked; a new order is taken when nobody looks. */
function tick() {
  const synced = syncedAt();
  all("time[data-age]").forEach((time) => showAge(time, synced));
  if (Date.now() - touchedAt > IDLE) one("[data-resort]")?.click();
  warn();
}

const syncedAt = () => Date.parse(one("#freshness time")?.dateTime) || 0;

function showAge(time, synced) {
  const seen = Math.max(Date.parse(time.dateTime), "withSync" in time.dataset ? synced : 0);
  const age = Math.max(0, Math.floor((Date.now() + server.skew - seen) / 1000));
  const [, unit, word] = STEPS.find(([from]) => age >= from);
  say(time, `${Math.floor(age / unit)} ${word}`);
  const limit = time.dataset.staleAfter;
  if (limit) time.classList.toggle("stale", age > Number(limit));
}

/* How far the server's clock is ahead. The way of an answer makes it look less ahead than it is, so
   the most counts, and no age jumps back. */
function learnSkew(ahead) {
  const isSet = server.skew - ahead > CLOCK_SET;
  if (ahead > server.skew || isSet || !server.skew) server.skew = ahead;
}

/* A page that no longer hears from the server must not look fresh. */
function warn() {
  const { timeZone } = document.body.dataset;
  const at = new Date(server.newsAt + server.skew);
  const since = at.toLocaleTimeString("en-GB", { timeZone, timeZoneName: "short" });
  const from = `What you see is from ${since} or older; what you typed stays. Trying again.`;
  const why = whyLost();
  say(one("[data-lost]"), why && `${why} ${from}`);
}

/* The server's answers decide. `navigator.onLine` does not: it is false on a machine whose only
   network is loopback. */
function whyLost() {
  const { state, heardAt, answeredAt, newsAt } = server;
  if (state in WHY) return WHY[state];
  if (["lost", "muffled"].includes(state) && Date.now() - heardAt > QUIET) {
    const isThere = state === "muffled" || Date.now() - answeredAt < QUIET;
    return isThere ? MUFFLED : "The server does not answer.";
  }
  if (!one("[data-live]") || Date.now() - newsAt < silence) return "";
  ask();
  if (syncedAt() < newsAt + server.skew) return "";
  server.behindAt ||= Date.now(); // the news of it may be on its way
  return Date.now() - server.behindAt > QUIET ? MUFFLED : "";
}

/* No news: is it the stream, or does the server have none itself? Its own account of that says. */
function ask() {
  if (Date.now() - server.askedAt < interval) return;
  server.askedAt = Date.now();
  htmx.trigger("#freshness", "sse:freshness");
}

/* Title and icon follow the counts, which are also said to a reader who hears the page. */
function head() {
  const { title, icon, words } = one("#counts").dataset;
  const link = one("link[rel=icon]");
  document.title = title + pageTitle;
  if (link.getAttribute("href") !== icon) link.href = icon;
  if (announced !== words) say(one("[data-announcer]"), announced ? `Services: ${words}` : "");
  announced = words;
}

for (const name of ["pointermove", "keydown", "wheel", "touchstart"]) {
  on(name, () => { touchedAt = Date.now(); });
}

on("click", ({ target: { dataset: { browserZone } } }) => {
  if (!browserZone) return;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  document.getElementById(browserZone).value = zone;
});

head();
tick();
setInterval(tick, 1000);
