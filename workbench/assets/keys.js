// Keys: what carries data-key="k" is clicked by that key, "g v" by one key after the other.
//
//   data-key="x" data-key-twice="Press x again: it is no observation"   armed by the first press, clicked by the second
//   data-key-label="what it does"                                        for the list of keys (default: its text)
//   data-key-focus                                                       the key puts the cursor there, no click
//
// Dialogs: data-opens="ID" opens one, data-closes closes the one around it, data-open opens it at once.

const WAIT_MS = 1200;
const MOVES = /^(Arrow|Page|Home$|End$|Tab$|[jk]$)/;
let before = "";
let beforeTimer = 0;
let armed = null;

const typing = (at) => at.closest("input:not([type=checkbox],[type=radio],[type=range]), textarea, select, [contenteditable=true], .cm-editor");
const shown = (one) => one.checkVisibility() && !one.disabled;

function scope() {
  const dialogs = [...document.querySelectorAll("dialog[open]")];
  return dialogs.at(-1) ?? document;
}

function find(key) {
  return [...scope().querySelectorAll("[data-key]")].find((one) => one.dataset.key === key && shown(one));
}

function begins(key) {
  return [...scope().querySelectorAll("[data-key]")].some((one) => one.dataset.key.startsWith(`${key} `));
}

function disarm() {
  if (armed) armed.removeAttribute("data-armed");
  armed = null;
}

function press(one) {
  if (one.hasAttribute("data-key-focus")) {
    one.focus();
    one.select?.();
    return;
  }
  if (one.dataset.keyTwice && armed !== one) {
    disarm();
    armed = one;
    one.setAttribute("data-armed", "");
    say(one.dataset.keyTwice);
    return;
  }
  disarm();
  one.click();
}

/** A line where every page shows such lines. */
export function say(told, { wrong = false } = {}) {
  const line = document.createElement("p");
  line.textContent = told;
  if (wrong) line.className = "wrong";
  document.getElementById("said").replaceChildren(line);
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  // A key that is held moves and scrolls; it decides nothing, and is no second press.
  if (event.repeat && !MOVES.test(event.key) && !typing(event.target)) return event.preventDefault();
  if (typing(event.target)) {
    // What the field itself did with Escape, such as closing its completion, comes first.
    if (event.key === "Escape" && !event.defaultPrevented) event.target.blur();
    return;
  }
  // Enter and the space bar keep their meaning on what has the cursor and is pressed by them.
  const own = event.target.closest("a, button, summary, input, [role=button]");
  if (own && (event.key === "Enter" || event.key === " ") && !own.hasAttribute("data-yields")) return;
  const key = before ? `${before} ${event.key}` : event.key;
  const found = find(key) ?? find(event.key);
  clearTimeout(beforeTimer);
  before = "";
  if (found) {
    event.preventDefault();
    press(found);
  } else if (begins(event.key)) {
    before = event.key;
    beforeTimer = setTimeout(() => (before = ""), WAIT_MS);
  } else if (event.key === "Escape") {
    disarm();
  }
});

addEventListener("click", (event) => {
  const opens = event.target.closest("[data-opens]");
  if (opens) {
    const dialog = document.getElementById(opens.dataset.opens);
    if (dialog.id === "keys") listKeys(dialog);
    dialog.showModal();
  }
  if (event.target.closest("[data-closes]") || event.target.matches("dialog")) event.target.closest("dialog").close();
});

// A button that takes something away asks twice of the mouse as of the keyboard.
addEventListener(
  "click",
  (event) => {
    const one = event.target.closest("[data-key-twice]");
    if (!one || !event.isTrusted) return;
    if (armed === one) return disarm();
    event.preventDefault();
    event.stopImmediatePropagation();
    disarm();
    armed = one;
    one.setAttribute("data-armed", "");
    say(one.dataset.keyTwice);
  },
  true,
);

function listKeys(dialog) {
  const rows = [...document.querySelectorAll("[data-key]")].filter(shown).map((one) => {
    const row = document.createElement("tr");
    const keys = document.createElement("th");
    keys.scope = "row";
    for (const key of one.dataset.key.split(" ").filter(Boolean)) {
      const shownKey = document.createElement("kbd");
      shownKey.textContent = { " ": "space", ArrowDown: "↓", ArrowUp: "↑" }[key] ?? key;
      keys.append(shownKey, " ");
    }
    if (one.dataset.key === " ") keys.innerHTML = "<kbd>space</kbd>";
    const told = document.createElement("td");
    told.textContent = one.dataset.keyLabel ?? one.textContent.trim();
    row.append(keys, told);
    return row;
  });
  dialog.querySelector("[data-keys-here]").replaceChildren(...rows);
}

for (const dialog of document.querySelectorAll("dialog[data-open]")) dialog.showModal();
