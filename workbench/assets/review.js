// The Review page. A decision on a whole group shows the next one, fetched ahead, at once, while the server carries it
// out; what goes wrong brings the group back with the reason. Decisions are sent one after the other.

import { say } from "./keys.js";
import { clear } from "./targets.js";

const place = document.getElementById("group");
const { path, query } = place.dataset;
const mark = JSON.parse(document.body.getAttribute("hx-headers"));
const done = []; // what can be undone: { at, change }
const began = performance.now();
let fetched = null; // the group after the one that is shown: { after, html }
let sending = Promise.resolve();
let left = null; // groups that are left, as the server said last
let pending = 0; // decisions that the server has not carried out yet
let round = 0; // goes on where a decision failed: what was decided before that, and is not sent yet, never is
let asking = 0; // which question for a group is the newest: the answer to an older one is not shown
let moving = false; // the next group is not there yet: keys wait for it

const MOST_PENDING = 4;
const form = () => place.querySelector("form.decide");
const active = () => place.querySelector("[data-active]");
const address = (page, more = {}) => `${path}/${page}?${new URLSearchParams([...new URLSearchParams(query), ...Object.entries(more)])}`;

/** What the server answers; where it does not, as after a sleep, an answer that is not ok and says nothing. */
async function fetchText(url, options = {}) {
  try {
    const answer = await fetch(url, { ...options, headers: { "hx-request": "true", ...mark, ...options.headers } });
    return { ok: answer.ok, headers: answer.headers, text: await answer.text() };
  } catch {
    return { ok: false, headers: new Headers(), text: "" };
  }
}

function show(html, { focus = true } = {}) {
  place.innerHTML = html;
  htmx.process(place);
  tally();
  will();
  if (focus) place.focus({ preventScroll: true });
  const at = form()?.dataset.at;
  history.replaceState(null, "", `${path}?${new URLSearchParams([...new URLSearchParams(query), ...(at ? [["at", at]] : [])])}`);
  fetchAhead();
}

function tally() {
  const of = place.querySelector("[data-left]")?.dataset;
  if (!of) return;
  left ??= Number(of.left);
  document.querySelector("[data-tally]").textContent = `${left.toLocaleString("en")} of ${Number(of.total).toLocaleString("en")} groups left`;
  const each = (performance.now() - began) / 1000 / Math.max(1, done.length);
  document.querySelector("[data-speed]").textContent = done.length ? `${done.length} decided here, ${each.toFixed(1)} s each` : "";
}

/** The next group, while the one before it is looked at. */
async function fetchAhead() {
  const now = form();
  fetched = null;
  if (!now) return;
  const after = Number(now.dataset.at) + 1;
  const answer = await fetchText(address("group", { at: after }));
  if (answer.ok && form() === now) fetched = { after, html: answer.text };
}

async function go(at) {
  left = null;
  const mine = ++asking;
  const answer = await fetchText(address("group", { at }));
  if (mine !== asking) return;
  if (answer.ok) show(answer.text);
  else told(answer.text);
}

async function next(after) {
  if (fetched?.after === after) {
    asking += 1;
    return show(fetched.html);
  }
  moving = true;
  try {
    await go(after);
  } finally {
    moving = false;
  }
}

const words = (html) => new DOMParser().parseFromString(html, "text/html").body.textContent.trim();

function told(html) {
  const line = new DOMParser().parseFromString(html, "text/html").getElementById("said");
  if (!line) return say("The server did not answer. Try again, or reload the page.");
  document.getElementById("said").replaceWith(line);
}

/** Send a decision on the group that is shown; the whole of it, and the next one is shown meanwhile. */
function decide(decision, more = {}, dialog = null) {
  const now = form();
  if (moving || !now) return;
  if (pending >= MOST_PENDING) return say("A moment: the last decisions are being kept.");
  const at = Number(now.dataset.at);
  const said = new FormData(now);
  said.set("decision", decision);
  said.set("group", now.dataset.group);
  said.set("shown", now.dataset.shown);
  for (const [name, value] of Object.entries(more)) said.set(name, value);
  const boxes = [...now.querySelectorAll("[name=member]")];
  const ticked = boxes.filter((box) => box.checked).length;
  const whole = boxes.length === 1 ? decision !== "rename" : decision === "apart" || (decision === "take" && ticked === boxes.length);
  const atOnce = whole && !dialog;
  if (decision === "take" && ticked === 0) return say("Nothing is ticked.");
  const sent = { at, body: new URLSearchParams(said), dialog, shown: [...place.childNodes], round };
  sent.moved = atOnce ? next(at + 1) : null;
  count(1);
  sending = sending.then(() => carryOut(sent)).finally(() => count(-1));
}

/** Carry one decision out; where that fails, its group is back and what was decided after it is not sent. */
async function carryOut({ at, body, dialog, shown, round: of, moved }) {
  if (of !== round) return;
  const answer = await fetchText(address("decide", { at }), { method: "POST", body, keepalive: true });
  await moved;
  if (!answer.ok) return failed(answer, at, dialog, shown);
  dialog?.close();
  const change = answer.headers.get("x-change");
  if (change) done.push({ at, change });
  left = Number(answer.headers.get("x-left"));
  told(answer.text);
  if (!moved) await (answer.headers.get("x-stays") === "yes" ? go(at) : next(at + 1));
  tally();
  document.body.dispatchEvent(new Event("decided"));
}

async function failed(answer, at, dialog, shown) {
  round += 1;
  const more = pending - 1;
  const unsent = more ? ` ${more} decided after it ${more === 1 ? "was" : "were"} not sent: decide again.` : "";
  const why = (words(answer.text) || "The server did not answer: this decision may not be kept. Look, and decide again.") + unsent;
  if (dialog?.open) {
    dialog.querySelector(".wrong-here").textContent = why;
    return;
  }
  left = null;
  const mine = ++asking;
  const anew = await fetchText(address("group", { at }));
  if (mine === asking && anew.ok) show(anew.text);
  else if (mine === asking) showAgain(shown);
  moving = false;
  say(why, { wrong: true });
}

/** A group as it was shown, ticks and all, where the server cannot be asked how it stands. */
function showAgain(nodes) {
  place.replaceChildren(...nodes);
  fetched = null;
  tally();
  will();
}

/** How many decisions are on their way; the page is not left without a question while some are. */
function count(by) {
  pending += by;
  place.dataset.pending = pending;
}

addEventListener("beforeunload", (event) => {
  if (pending) event.preventDefault();
});

async function undo() {
  await sending;
  const last = done.at(-1);
  if (!last) return say("There is nothing to undo here.");
  const answer = await fetchText(`/undo/${last.change}`, { method: "POST" });
  told(answer.text);
  if (!answer.ok) return;
  done.splice(done.indexOf(last), 1);
  await go(last.at);
  document.body.dispatchEvent(new Event("decided"));
}

const quoted = (name) => `\u2018${name}\u2019`;

/** What Enter would do, in words. */
function will() {
  const line = place.querySelector("[data-will]");
  if (!line) return;
  const ticked = [...place.querySelectorAll("[name=member]:checked")].map((box) => box.closest("[data-member]"));
  const into = place.querySelector("[name=into]:checked");
  const survivor = place.querySelector(".side h2")?.textContent.trim();
  const going = ticked.filter((one) => one.dataset.member !== into?.value).map((one) => quoted(one.querySelector(".text").textContent));
  if (into && survivor) going.push(quoted(survivor));
  const names = going.length > 4 ? `${going.slice(0, 3).join(", ")} and ${going.length - 3} more` : going.join(", ");
  const stays = into ? into.dataset.text : survivor;
  const done = { accept: "accepted", reject: "no observation", retire: "not used any more", keep: "left as it is, for good" }[line.dataset.act];
  if (!going.length) line.textContent = "Nothing is ticked.";
  else if (line.dataset.act === "rename") line.textContent = `Enter: ${names} gets another text: ${quoted(line.dataset.text)}.`;
  else if (line.dataset.act === "add names") line.textContent = `Enter: ${quoted(survivor)} is also called ${names}.`;
  else if (stays) line.textContent = `Enter: ${names} will count under ${quoted(stays)}.`;
  else line.textContent = `Enter: ${names}: ${done}.`;
}

function tickAll() {
  const boxes = [...place.querySelectorAll("[name=member]")];
  const all = boxes.every((box) => box.checked);
  for (const box of boxes) box.checked = !all;
  will();
}

function activate(member) {
  if (!member) return;
  for (const one of place.querySelectorAll("[data-member]")) one.toggleAttribute("data-active", one === member);
  for (const one of place.querySelectorAll("[data-of]")) one.hidden = one.dataset.of !== member.dataset.member;
  member.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const all = [...place.querySelectorAll("[data-member]")];
  activate(all[Math.min(Math.max(all.indexOf(active()) + by, 0), all.length - 1)]);
}

function scroll(by) {
  for (const list of place.querySelectorAll(".side > .evidence, .of-member:not([hidden]) > .evidence")) list.scrollBy({ top: by * list.clientHeight * 0.85 });
}

function openOther() {
  const dialog = document.getElementById("other");
  clear(dialog.querySelector("form"));
  dialog.showModal();
  findTargets("");
}

async function findTargets(words) {
  const answer = await fetchText(`/review/targets?${new URLSearchParams({ for: active().dataset.member, words })}`);
  if (answer.ok && document.querySelector("[data-words]").value.trim() === words.trim()) document.getElementById("targets").innerHTML = answer.text;
}

function openRename() {
  const dialog = document.getElementById("rename");
  const names = [...place.querySelectorAll("[data-member]")].map((one) => [one.dataset.member, one.querySelector(".text").textContent]);
  const shown = Object.keys(JSON.parse(form().dataset.shown));
  const stays = place.querySelector(".side h2");
  const survivor = shown.find((of) => !names.some(([key]) => key === of));
  if (stays && survivor) names.unshift([survivor, stays.textContent.trim()]);
  const choice = dialog.querySelector("select");
  choice.replaceChildren(...names.map(([key, text]) => new Option(text, key)));
  if (!survivor) choice.value = active().dataset.member;
  dialog.querySelector(".wrong-here").textContent = "";
  dialog.showModal();
  const text = dialog.querySelector("[name=text]");
  text.value = choice.selectedOptions[0].text;
  text.select();
}

async function bulk({ rule: reason, seen }) {
  await sending;
  const answer = await fetchText(address("bulk"), { method: "POST", body: new URLSearchParams({ reason, seen }) });
  told(answer.text);
  if (!answer.ok) return preview(reason);
  const change = answer.headers.get("x-change");
  const at = form()?.dataset.at ?? 0;
  if (change) done.push({ at, change });
  for (const open of document.querySelectorAll(".more details[open]")) open.open = false;
  await go(at);
}

/** What a rule would do as things stand now. */
async function preview(reason) {
  const answer = await fetchText(address("preview", { reason }));
  document.getElementById("preview").innerHTML = answer.ok ? answer.text : "";
}

addEventListener("click", (event) => {
  const at = (what) => event.target.closest(what);
  const decided = at("[data-decide]")?.dataset.decide;
  if (decided === "skip") next(Number(form().dataset.at) + 1);
  else if (decided === "other") openOther();
  else if (decided === "rename") openRename();
  else if (decided === "reject") decide("reject", { of: active().dataset.member });
  else if (decided) decide(decided);
  if (at("[data-undo]")) undo();
  if (at("[data-mark]")) step(Number(at("[data-mark]").dataset.mark));
  if (at("[data-scroll]")) scroll(Number(at("[data-scroll]").dataset.scroll));
  if (at("[data-tick-all]")) tickAll();
  if (at("[data-tick]")) active()?.querySelector("input").click();
  if (at("[data-bulk]")) bulk(at("[data-rule]").dataset);
  if (at("[data-member]")) activate(at("[data-member]"));
});

// One concept at most stays in the place of the proposed one.
place.addEventListener("change", (event) => {
  if (event.target.name === "into" && event.target.checked) {
    for (const other of place.querySelectorAll("[name=into]:checked")) other.checked = other === event.target;
  }
  will();
});

document.querySelector("[data-other]").addEventListener("submit", (event) => {
  event.preventDefault();
  decide("take", { into: new FormData(event.target).get("into") }, document.getElementById("other"));
});
let typed = 0;
document.querySelector("[data-words]").addEventListener("input", (event) => {
  clearTimeout(typed);
  typed = setTimeout(() => findTargets(event.target.value), 80);
});
document.querySelector("[data-rename]").addEventListener("submit", (event) => {
  event.preventDefault();
  const said = new FormData(event.target);
  decide("rename", { of: said.get("of"), text: said.get("text") }, document.getElementById("rename"));
});
document.querySelector("[data-rename] select").addEventListener("change", (event) => {
  document.querySelector("[data-rename] [name=text]").value = event.target.selectedOptions[0].text;
});

// What was being looked for is there: go on from it.
document.body.addEventListener("htmx:afterSettle", (event) => {
  if (event.target === place && form()) {
    tally();
    will();
    fetchAhead();
  }
});
// An act that was undone elsewhere on the page may have opened a group again.
document.body.addEventListener("undone", () => go(form()?.dataset.at ?? 0));

tally();
will();
fetchAhead();
