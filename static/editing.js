/* What a person asked for: that it was sent, that no answer comes, what became of it; and drafts.
   Needs app.js (one, all, on, say, QUIET) and live.js (isPersons). */
"use strict";

// By data-does: what is said while it lasts, and what it may have come to.
const DEEDS = {
  save: ["Saving…", "saved"],
  add: ["Adding…", "added"],
  delete: ["Deleting…", "deleted"],
  ask: ["Sending…", "carried out"],
};
const sent = new Map(); // by element whose answer is awaited: what tells of it, and its timer

const deedOf = (item) => DEEDS[item.dataset.does ?? "ask"];
const activity = document.body.dataset.activity;

/* A server that is frozen never answers: an edit's longest time is the server's own. */
on("htmx:configRequest", ({ detail }) => {
  const { answerWithin, readWithin } = document.body.dataset;
  detail.timeout = 1000 * Number(detail.verb === "get" ? readWithin : answerWithin);
});

on("htmx:beforeRequest", (event) => {
  if (event.defaultPrevented || !isPersons(event.detail)) return;
  const { elt, requestConfig: { verb } } = event.detail;
  tellSent(elt, verb === "get" ? "" : deedOf(elt)[0]);
});

function tellSent(item, words) {
  forget(item);
  const told = document.createElement("span");
  Object.assign(told, { className: "sent", role: "status" });
  all(":scope > .failed", placeOf(item)).forEach((old) => old.remove());
  placeOf(item).append(told);
  told.textContent = words;
  const timer = setTimeout(() => say(told, `${words} No answer yet.`.trim()), QUIET);
  sent.set(item, { told, timer });
  buttonsOf(item).forEach((button) => { button.ariaDisabled = "true"; });
}

function forget(item) {
  const { told, timer } = sent.get(item) ?? {};
  clearTimeout(timer);
  told?.remove();
  sent.delete(item);
  buttonsOf(item).forEach((button) => { button.ariaDisabled = null; });
}

const buttonsOf = (item) => (item.matches("form[method=post]") ? all("button", item) : []);

function placeOf(item) {
  if (!item.matches("form")) return item.parentElement;
  return item.querySelector(".actions") ?? item;
}

/* Sent twice is done twice. A button keeps the focus, as a disabled one would not. */
for (const name of ["submit", "click"]) {
  addEventListener(name, (event) => {
    const item = event.target.closest?.("form, [hx-get]");
    if (!sent.has(item) || item.hasAttribute("hx-sync")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
}

on("htmx:afterRequest", ({ detail: { requestConfig } }) => forget(requestConfig.elt));

for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  on(name, ({ detail }) => {
    if (!isPersons(detail)) return;
    const told = tellFailed(detail.elt, describeFailure(detail));
    if (detail.xhr.status === 401) told.dataset.sessionLost = "";
  });
}

function describeFailure({ elt, xhr, requestConfig: { verb } }) {
  const { status } = xhr;
  const reason = xhr.getResponseHeader("X-Refused");
  if (reason) return reason;
  if (status === 401) return "Nothing was changed, because your session has ended.";
  if (status === 403) return "Your account may not do this. Nothing was changed.";
  const failed = status ? `This did not work (${status}).` : "The server did not answer.";
  const isRefused = status >= 400 && status < 500;
  if (verb === "get" || isRefused) return `${failed} Nothing was changed.`;
  const done = deedOf(elt)[1];
  return `${failed} It is not known whether this was ${done}; the activity page shows it.`;
}

function tellFailed(item, words) {
  const told = document.createElement("p");
  Object.assign(told, { className: "problem failed", role: "alert" });
  all(":scope > .failed", placeOf(item)).forEach((old) => old.remove());
  placeOf(item).append(told);
  const page = "the activity page";
  const [before, after] = words.split(page);
  told.append(before);
  if (after === undefined) return told;
  const link = document.createElement("a"); // in a tab of its own: this one has what was typed
  Object.assign(link, { href: activity, target: "_blank", textContent: page });
  told.append(link, after);
  return told;
}

/* Whether an editor holds more than what it was opened on; also what was refused or is contested. */
function isDrafted(editor) {
  const was = JSON.parse(editor.querySelector("[name=was]")?.value || "{}");
  const fields = all("input:not([type=hidden]), select, textarea", editor);
  return fields.some((field) => wordOf(field) !== (was[field.name] ?? firstWordOf(field)));
}

const wordOf = (field) =>
  field.type === "checkbox" ? (field.checked ? "on" : "") : field.value;

function firstWordOf(field) {
  if (field.type === "checkbox") return field.defaultChecked ? "on" : "";
  if (field.tagName !== "SELECT") return field.defaultValue;
  return ([...field.options].find((item) => item.defaultSelected) ?? field.options[0])?.value;
}

addEventListener("beforeunload", (event) => {
  if (all("[data-editor]").some(isDrafted)) event.preventDefault();
});

on("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented) return;
  if (one("dialog[open], :popover-open")) return; // it is what Escape closes
  const open = all("[data-editor]");
  const editor = event.target.closest("[data-editor]") ?? (open.length === 1 ? open[0] : null);
  if (!editor || isDrafted(editor) || editor.querySelector(".htmx-request")) return;
  editor.querySelector("[data-cancel]")?.click();
});
