/* The live news of the server: one event stream for all tabs of a browser.

   The tab that holds the Web Lock has the stream and passes all news on to the other tabs by a
   BroadcastChannel. When that tab closes or crashes, the browser gives the lock to the next tab.
   Without Web Locks (plain http:// on a name) each visible tab has a stream of its own.

   Needs: an element [data-live="<position>"], perhaps with data-live-service="<pk>".
   Each tab knows its position: it has seen all touches up to there. So no touch is lost when
   another tab takes the stream over.

   Offers these events of the document:
     live:touch       detail.topics changed: read again what shows them.
     live:resync      Nobody knows what was missed: read everything again.
     live:state       detail.state is how the stream is, detail.heardAt when the server gave the last
                      sign (ms). Comes at least once a second.
                        opening      no answer yet
                        open         news come
                        muffled      the server answers, but its stream does not get here
                        lost         the server does not answer
                        full         the account has too many streams: live:resync comes at times
                        logged-out   the session has ended
     live:logged-out  The server takes this browser for a stranger. Comes once, in every tab. After a
                      new log-in the state is "open" again, and what was missed comes.
   Takes this event of the document:
     live:retry       Ask the server for the stream now, as after a log-in. */

const PATIENCE = 4000; // ms; the server gives a sign at least every 2 s
const ANSWER = 3000; // ms that an answer may take, of the server or of the tab with the stream
const RETRY = 1000; // ms until the next attempt, and by chance up to as much again
const SLOW = 30_000; // ms between attempts after a refusal, and between re-reads without a stream
const RECENT = 200; // touches kept for tabs that missed some
const REFUSALS = { 204: "logged-out", 429: "full" };

const place = document.querySelector("[data-live]");
const name = import.meta.url; // tabs with another version of this file do not share
const channel = navigator.locks && new BroadcastChannel(name);
const recent = [];

let at = place?.dataset.live; // this tab has seen every touch up to here
let state = "opening";
let heardAt = Date.now(); // the last sign of the server
let leaderAt = Date.now(); // the last word of the tab with the stream
let askedAt = 0; // when that tab was asked for a word (0: no answer is due)
let readAt = Date.now(); // when this page was read without a stream
let leads = !channel; // this tab may have the stream

let source = null; // the EventSource of the tab that leads
let sourceAt = at; // the next touch of the stream comes after this position
let waitsFrom = 0; // the last sign of this stream, or when it was opened
let isInquiring = false;
let timer;

const emit = (type, detail) => document.dispatchEvent(new CustomEvent(type, { detail }));
const post = (message) => channel?.postMessage(message);
const status = () => ({ state, heardAt, at });

function isAfter(one, other) {
  const [[time, count], [otherTime, otherCount]] = [one, other].map((id) => id.split("-").map(Number));
  return time > otherTime || (time === otherTime && count > otherCount);
}

/* Every tab */

function become(news) {
  const before = state;
  ({ state, heardAt } = news);
  if (state === "logged-out" && before !== state) emit("live:logged-out");
  tellState();
}

/* A tab judges the silence for itself: the timers of a hidden tab with the stream are slow. */
function tellState() {
  const isSilent = state === "open" && Date.now() - heardAt > PATIENCE + ANSWER;
  emit("live:state", { state: isSilent ? "lost" : state, heardAt });
}

function takeTouch(touch) {
  if (!isAfter(touch.at, at)) return; // seen before
  if (isAfter(touch.after, at)) { // something between the two did not get here
    post({ ask: at });
    return;
  }
  at = touch.at;
  recent.push(touch);
  if (recent.length > RECENT) recent.shift();
  const { topics, scope } = touch;
  if (!scope || scope === place.dataset.liveService) emit("live:touch", { topics });
}

function takeResync(position) {
  at = position;
  recent.length = 0;
  readAt = Date.now();
  emit("live:resync");
}

/* A word of the tab with the stream: how things are, with at most one piece of news. */
function take(word) {
  if (word.touch) takeTouch(word.touch);
  else if (word.resync) takeResync(word.resync);
  else if (isAfter(word.at, at)) post({ ask: at });
  become(word);
}

function listen({ data: word }) {
  if (word.ask || word.retry) {
    if (leads) answer(word);
    return;
  }
  leaderAt = Date.now();
  askedAt = 0;
  if (!leads) take(word);
}

function tick() {
  const now = Date.now();
  if (leads) check();
  else if (now - leaderAt > PATIENCE) urge(now);
  if (state === "full" && now - readAt > SLOW) takeResync(at);
  tellState();
}

/* The tab with the stream is silent. When it is well it answers: only the server was silent. */
function urge(now) {
  if (!askedAt) {
    askedAt = now;
    post({ ask: at });
  } else if (now - askedAt > ANSWER) {
    askedAt = 0;
    leaderAt = now;
    queue({ steal: true });
  }
}

/* The tab that has the stream */

function queue(options) {
  navigator.locks.request(name, options, lead).catch(follow);
}

function lead() {
  leads = true;
  open(at);
  post(status());
  return new Promise(() => {}); // until the tab ends, or another takes the lock away
}

function follow() {
  leads = false;
  shut();
  queue({});
}

function open(since) {
  shut();
  sourceAt = since;
  waitsFrom = Date.now();
  source = new EventSource(`/live/?since=${since}`);
  source.onopen = () => pass({});
  source.addEventListener("beat", () => pass({}));
  source.onmessage = ({ data, lastEventId }) => {
    const touch = { ...JSON.parse(data), after: sourceAt, at: lastEventId };
    sourceAt = lastEventId;
    pass({ touch });
  };
  source.addEventListener("resync", ({ lastEventId }) => {
    sourceAt = lastEventId;
    pass({ resync: lastEventId });
  });
  source.onerror = () => {
    shut();
    inquire();
  };
}

function shut() {
  clearTimeout(timer);
  source?.close();
  source = null;
}

/* What the stream said, for all tabs. */
function pass(news) {
  waitsFrom = Date.now();
  const word = { state: "open", heardAt: waitsFrom, at: sourceAt, ...news };
  post(word);
  take(word);
}

function answer({ ask, retry }) {
  if (retry && !source) open(at);
  if (ask && isAfter(sourceAt, ask)) repeat(ask);
  check();
  post(status());
}

/* Another tab missed what came after `since`. */
function repeat(since) {
  const isKept = recent.length && !isAfter(recent[0].after, since);
  if (!isKept) open(since);
  else for (const touch of recent) post({ touch, ...status() });
}

function check() {
  if (source && Date.now() - waitsFrom > PATIENCE) inquire();
}

/* The stream ended or is silent: what does the server itself say? A stream that is only slow to
   open goes on being awaited, because more attempts would make a busy server slower. */
async function inquire() {
  if (isInquiring) return;
  isInquiring = true;
  const asked = Date.now();
  const options = { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(ANSWER) };
  const code = await fetch("/live/", options).then((reply) => reply.status, () => 0);
  isInquiring = false;
  if (!leads || (source && waitsFrom > asked)) return; // a sign came meanwhile
  const isThere = code >= 200 && code < 500;
  const isRefused = isThere && code !== 200;
  become({ state: REFUSALS[code] ?? (isThere ? "muffled" : "lost"), heardAt });
  post(status());
  if (isRefused || source?.readyState !== EventSource.CONNECTING) reopen(isRefused ? SLOW : RETRY);
}

function reopen(delay) {
  shut();
  timer = setTimeout(channel ? () => open(at) : openWhileVisible, delay * (1 + Math.random()));
}

/* Without Web Locks: a hidden tab gives its stream back, because a browser opens only six
   connections to one server. */
function openWhileVisible() {
  if (document.hidden) shut();
  else open(at);
}

/* A hidden tab had no stream, so its silence says nothing about the server. */
function show() {
  heardAt = Date.now();
  openWhileVisible();
}

function start() {
  setInterval(tick, 1000);
  document.addEventListener("live:retry", () => {
    if (leads) answer({ retry: true });
    else post({ retry: true });
  });
  if (channel) {
    channel.onmessage = listen;
    post({ ask: at });
    queue({});
  } else {
    openWhileVisible();
  }
  document.addEventListener("visibilitychange", channel ? tick : show);
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
}

if (place) start();
