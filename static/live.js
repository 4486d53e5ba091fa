/* What comes live: refreshes that wait for an open editor, the focus after a swap. The news come
   from stream.js. Needs app.js: one, all, on, head, tick, server, learnSkew, IDLE. */
"use strict";

const POLL = "hx:poll:trigger"; // the event behind hx-trigger="every 2s"
const held = new Map(); // by id: the event that asked for a refresh which waits
const left = new Map(); // by id: what a component was before its swap
const asking = new Set(); // elements whose answer is awaited
let pressed = null; // what a pointer is held down on
let isPaused = false; // while there is no session, nobody would answer
let isAnswering = true; // the last question got an answer, or the stream told something since

/* The live event that caused a request, if one did. */
const liveCause = (detail) => {
  const cause = detail.requestConfig?.triggeringEvent?.type;
  return cause?.startsWith("sse:") ? cause : undefined;
};

/* Whether a person asked for it, rather than the stream, a poll or a script. */
function isPersons({ requestConfig }) {
  const cause = requestConfig?.triggeringEvent?.type;
  return Boolean(cause) && !cause.startsWith("sse:") && cause !== POLL;
}

/* A live refresh waits that would take away an editor, one about to open, a row under the pointer,
   or what is pressed: released on another element it would be no click. */
function isBusy(target) {
  const focus = document.activeElement;
  const isTyping = target.contains(focus) && focus.matches("input, select, textarea");
  const isAsking = [...asking].some((item) => target.contains(item));
  const isHeld = target.querySelector("[data-editor]") || target.matches("[data-hold]:hover");
  return Boolean(isHeld) || isAsking || isTyping || target.contains(pressed);
}

function hold(detail) {
  const cause = liveCause(detail);
  if (!cause || !(isPaused || isBusy(detail.target))) return false;
  held.set(detail.target.id, cause);
  return true;
}

function release() {
  if (isPaused || !isAnswering) return;
  for (const [id, cause] of held) {
    const target = document.getElementById(id);
    const mayGo = target && !isBusy(target) && !target.matches(".htmx-request");
    if (!target || mayGo) held.delete(id);
    if (mayGo) htmx.trigger(target, cause);
  }
}

/* What shows one of these topics is read again, once. Where an answer is still awaited, it may be
   too old already: the part is read once more after it. */
function touched(topics) {
  const causes = topics.map((topic) => `sse:${topic}`);
  for (const part of all("[hx-trigger*='sse:']")) {
    const cause = part.getAttribute("hx-trigger").match(/sse:[\w-]+/g)
      .find((word) => causes.includes(word));
    if (cause && part.matches(".htmx-request")) held.set(part.id, cause);
    else if (cause) htmx.trigger(part, cause);
  }
}

on("live:touch", ({ detail: { topics } }) => {
  if (topics.includes("freshness")) heard();
  touched(topics);
});
on("live:resync", resync);

/* The stream could not say what was missed: read everything again. */
function resync() {
  if (!isBusy(document.body) && performance.now() > IDLE) {
    location.reload();
    return;
  }
  readAgain();
}

function readAgain() {
  for (const part of all("[hx-trigger*='sse:']")) {
    htmx.trigger(part, part.getAttribute("hx-trigger").match(/sse:[\w-]+/)[0]);
  }
}

on("htmx:beforeRequest", (event) => {
  const isPoll = event.detail.requestConfig.triggeringEvent?.type === POLL;
  if (hold(event.detail) || (isPoll && isPaused)) event.preventDefault();
  else if (!liveCause(event.detail)) asking.add(event.detail.elt);
});

on("htmx:beforeSwap", ({ detail }) => {
  const { target } = detail;
  if (hold(detail)) { // an editor was opened after this was asked for
    detail.shouldSwap = false;
    return;
  }
  for (const part of all(".htmx-request[hx-trigger*='sse:']", target)) {
    held.set(part.id, `sse:${part.id}`);
  }
  const focus = target.contains(document.activeElement) && nameOf(document.activeElement);
  left.set(target.id, { words: wordsOf(target), focus, near: neighbours(target) });
});

/* After a swap: what changed fades, and the focus goes on where it was. */
on("htmx:afterSettle", ({ detail }) => {
  const part = document.getElementById(detail.target.id);
  const was = left.get(detail.target.id);
  left.delete(detail.target.id);
  if (part && was && liveCause(detail) && wordsOf(part) !== was.words) part.classList.add("fresh");
  const wrong = !liveCause(detail) && part?.querySelector("[aria-invalid=true]");
  if (wrong) wrong.focus();
  else if (was?.focus) giveFocus(part, was.focus);
  head();
  tick();
  release();
});

on("animationend", ({ target }) => target.closest(".fresh")?.classList.remove("fresh"));

/* A component's words without what is no news: its ages, and that a probe was answered once more. */
function wordsOf(part) {
  const copy = part.cloneNode(true);
  all("time, .evidence:not(.is-down)", copy).forEach((calm) => calm.remove());
  return copy.textContent;
}

const nameOf = (item) =>
  item.tagName + (item.ariaLabel ?? item.textContent.trim()) + (item.name ?? "");

/* The row or card behind a component, and the one before it. */
function neighbours(part) {
  const whole = part.closest("tr, section") ?? part;
  return [whole.nextElementSibling?.id, whole.previousElementSibling?.id];
}

function giveFocus(part, name) {
  if (document.activeElement !== document.body) return;
  const able = "a[href], button, input:not([type=hidden]), select, textarea, summary";
  const found = part ? all(able, part) : [];
  const same = found.find((item) => nameOf(item) === name);
  (same ?? found.find((item) => "return" in item.dataset) ?? found[0] ?? one("#main")).focus();
}

function heard() {
  isAnswering = true;
  release();
  server.newsAt = Date.now();
  server.behindAt = 0;
}

/* What could not be read is read when the server is there again. */
for (const name of ["htmx:sendError", "htmx:timeout"]) {
  on(name, ({ detail }) => {
    isAnswering = false;
    const cause = liveCause(detail);
    if (cause) held.set(detail.target.id, cause);
  });
}

on("htmx:afterRequest", ({ detail: { requestConfig, xhr } }) => {
  if (xhr.status) isAnswering = true;
  asking.delete(requestConfig.elt);
  leaveDeleted();
  release();
  if (xhr.status) server.answeredAt = Date.now();
  const ahead = Date.parse(xhr.getResponseHeader("Date")) - Date.now();
  if (!Number.isNaN(ahead)) learnSkew(ahead);
});

/* A deleted component never settles: who had the focus there goes on beside it. */
function leaveDeleted() {
  for (const [id, was] of left) {
    if (document.getElementById(id)) continue;
    left.delete(id);
    const near = was.near.map((other) => document.getElementById(other)).find(Boolean);
    if (was.focus) giveFocus(near, was.focus);
  }
}

on("pointerdown", ({ target, button }) => { if (!button) pressed = target; });
for (const name of ["pointerup", "pointercancel"]) on(name, () => { pressed = null; });

for (const name of ["focusout", "mouseout", "pointerup", "pointercancel"]) {
  on(name, () => { if (held.size) setTimeout(release); });
}
