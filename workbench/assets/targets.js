// Choosing another concept by typing: [data-choosing] is a form with a field `words` and a list [data-list] below it.
//
// The list lags behind what is typed, so it is taken away while it is not of these words, and nothing is sent then.
// Enter in the field only goes to the first of the list and marks it; a second one takes what is marked.

const field = (form) => form.querySelector("[name=words]");
const list = (form) => form.querySelector("[data-list]");

/** Whether the list is of what the field says now. */
export const isCurrent = (form) => list(form).querySelector("[data-of-words]")?.dataset.ofWords === field(form).value.trim();

/** The form as it is before anything is typed. */
export function clear(form) {
  form.reset();
  list(form).replaceChildren();
  complain(form, "");
}

function complain(form, why) {
  form.closest("dialog").querySelector(".wrong-here").textContent = why;
}

function goToList(form) {
  const first = list(form).querySelector("[name=into]");
  if (!isCurrent(form)) return complain(form, "The list is still being looked for: wait for it.");
  if (!first) return complain(form, "Nothing in the list: type other words.");
  complain(form, "");
  first.checked = true;
  first.focus();
}

addEventListener("input", (event) => {
  const form = event.target.closest("[data-choosing]");
  if (!form || event.target !== field(form)) return;
  if (!isCurrent(form)) list(form).replaceChildren();
  complain(form, "");
});

addEventListener("keydown", (event) => {
  const form = event.target.closest?.("[data-choosing]");
  if (!form || event.target !== field(form) || event.isComposing || !["Enter", "ArrowDown"].includes(event.key)) return;
  event.preventDefault();
  if (!event.repeat) goToList(form);
});

// Before the form's own: what is not of the words in the field, or not chosen, is not sent.
addEventListener(
  "submit",
  (event) => {
    const form = event.target.closest("[data-choosing]");
    if (!form || (isCurrent(form) && form.querySelector("[name=into]:checked"))) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    complain(form, isCurrent(form) ? "Choose one in the list." : "The list is still being looked for: wait for it.");
  },
  true,
);

// A dialog that is opened again begins anew.
addEventListener(
  "close",
  (event) => {
    const form = event.target.querySelector?.("[data-choosing]");
    if (form) clear(form);
  },
  true,
);
