/* A session that ended, or became somebody else's: the page says so, lets a person log in where
   they are, and goes on in the new session. A 401 to any request of htmx is enough to know.
   Needs app.js (one, all, on, say) and live.js (isPaused, isPersons, liveCause, held, readAgain).
   Takes live:logged-out of the stream, and gives it live:retry. */
"use strict";

const sessionDialog = one("#session");
const drawnFor = { ...sessionDialog.dataset };
let sessionUser = drawnFor.user;
let wantsLogIn = false;

on("htmx:afterRequest", ({ detail }) => {
  if (detail.target === sessionDialog) {
    if (detail.xhr.status === 401) askWhoseSession(); // another tab has logged in first
    return;
  }
  const user = detail.xhr.getResponseHeader("X-Session-User");
  if (detail.xhr.status === 401) pauseSession(detail);
  else if (user && user !== sessionUser) askWhoseSession();
});

function pauseSession(detail) {
  const cause = liveCause(detail);
  if (cause) held.set(detail.target.id, cause);
  isPaused = true;
  wantsLogIn ||= isPersons(detail);
  if (!sessionDialog.open) askWhoseSession();
}

/* The answer is the form to log in, or whose session it is: that of another tab may be new. */
function askWhoseSession() {
  if (sessionDialog.dataset.isAsked) return;
  sessionDialog.dataset.isAsked = "yes";
  htmx.ajax("GET", drawnFor.url, { source: sessionDialog, target: sessionDialog })
    .catch(() => {}) // a server that does not answer is told elsewhere
    .finally(() => { delete sessionDialog.dataset.isAsked; });
}

on("htmx:afterSettle", ({ detail: { target } }) => {
  if (target !== sessionDialog) return;
  const now = sessionDialog.querySelector("[data-session-user]");
  if (now) takeSessionOver(now.dataset);
  else tellSessionOver();
});

function tellSessionOver() {
  isPaused = true;
  one("[data-session-over]").hidden = false;
  if (wantsLogIn && !sessionDialog.open) sessionDialog.showModal();
  wantsLogIn = false;
}

function takeSessionOver({ sessionUser: user, token, name, role }) {
  document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
  all("[name=csrfmiddlewaretoken]").forEach((field) => { field.value = token; });
  sessionDialog.close();
  one("[data-session-over]").hidden = true;
  const isOthers = user !== drawnFor.user;
  say(one("[data-session-told]"), isOthers ? `This is now the session of ${name} (${role}). `
    + `The page was opened by ${drawnFor.name}; what was typed stays. `
    + `What ${name} may not do is refused.` : "");
  say(one("[data-announcer]"), `You are logged in as ${name}.`);
  all("[data-session-lost]").forEach((told) => {
    say(told, `Nothing was changed. You are logged in as ${name} now: try again.`);
  });
  wantsLogIn = false;
  sessionUser = user;
  isPaused = false;
  document.dispatchEvent(new CustomEvent("live:retry")); // the stream of the old one has ended
  readAgain();
}

on("live:logged-out", () => { if (!sessionDialog.open) askWhoseSession(); });

on("click", ({ target }) => {
  if ("close" in target.dataset) sessionDialog.close();
  if (!("logIn" in target.dataset)) return;
  wantsLogIn = true;
  askWhoseSession();
});

/* Somebody may have logged in in another tab meanwhile. */
on("visibilitychange", () => {
  if (isPaused && document.visibilityState === "visible") askWhoseSession();
});
