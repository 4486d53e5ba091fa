/* Refreshes move nothing that is under the pointer or has the focus: its row stays where it is in
   the window, and its table in the order it had, until it is left, or left alone for 10 s.
   Needs app.js (all, on, touchedAt, IDLE) and live.js (liveCause). */
"use strict";

const places = new Map(); // by id of what is swapped: the row to keep, where it was, the order then
const orders = new Map(); // by body of a table: the order that it has to take, and since when
let pointer = null; // where it is; after a swap :hover is not known before the next frame

const rowOf = (item) => item?.closest("tbody > tr[id]");
const pointed = () => pointer && document.elementFromPoint(pointer.clientX, pointer.clientY);
const rowsOf = (body) => all(":scope > tr[id]:not(.add)", body);

on("pointermove", (event) => { pointer = event; });
document.documentElement.addEventListener("pointerleave", () => { pointer = null; });

on("htmx:beforeSwap", ({ detail }) => {
  if (!detail.shouldSwap || !liveCause(detail)) return;
  const row = rowOf(pointed()) ?? rowOf(document.activeElement);
  if (!row) return;
  const order = rowsOf(row.parentElement).map((one) => one.id);
  places.set(detail.target.id, { id: row.id, top: row.getBoundingClientRect().top, order });
});

on("htmx:afterSwap", ({ detail: { target } }) => {
  const place = places.get(target.id);
  places.delete(target.id);
  const row = place && document.getElementById(place.id);
  if (!row) return;
  keepOrder(row.parentElement, place.order);
  scrollBy(0, row.getBoundingClientRect().top - place.top);
});

function keepOrder(body, order) {
  const rows = rowsOf(body);
  const rank = (row) => order.indexOf(row.id) + 1 || Infinity; // what is new comes last
  const kept = [...rows].sort((one, other) => rank(one) - rank(other));
  if (kept.every((row, place) => row === rows[place])) return;
  orders.set(body, { ids: rows.map((row) => row.id), since: Date.now() });
  arrange(body, kept);
}

/* What is moved in the document loses the focus. */
function arrange(body, rows) {
  const focus = document.activeElement;
  body.prepend(...rows);
  if (body.contains(focus)) focus.focus({ preventScroll: true });
}

function takeOrders() {
  for (const [body, { ids, since }] of orders) {
    if (body.isConnected && isInUse(body, since)) continue;
    orders.delete(body);
    arrange(body, ids.map((id) => document.getElementById(id)).filter((row) => body.contains(row)));
  }
}

function isInUse(body, since) {
  if (body.querySelector("[data-editor]")) return true;
  if (body.contains(pointed())) return Date.now() - touchedAt <= IDLE;
  return body.contains(document.activeElement) && Date.now() - since <= IDLE;
}

setInterval(takeOrders, 1000);
