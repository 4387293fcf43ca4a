// The Vocabulary page: steps through the list by keys, marks what is open, and says in a dialog what was wrong in it.

const rows = () => [...document.querySelectorAll("#results .row")];
const right = document.getElementById("concept");

/** Open the row so many further on than the one that is open, and put the cursor there. */
function step(by) {
  const all = rows();
  const at = all.findIndex((one) => one.hasAttribute("aria-current"));
  const next = all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)];
  if (!next) return;
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  next.click();
}

function mark(concept) {
  for (const one of rows()) {
    if (new URL(one.href).pathname.endsWith(`/${concept}`)) one.setAttribute("aria-current", "true");
    else one.removeAttribute("aria-current");
  }
}

addEventListener("click", (event) => {
  const stepper = event.target.closest("[data-step]");
  if (stepper) step(Number(stepper.dataset.step));
  const row = event.target.closest(".row");
  if (row) mark(new URL(row.href).pathname.split("/").at(-1));
});

// From the field where one types: down to the list, and Enter opens the first.
document.getElementById("q")?.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" && event.key !== "Enter") return;
  event.preventDefault();
  step(0);
});

document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target === right) {
    document.querySelector(".vocabulary").classList.add("opened");
    const concept = right.querySelector("[data-concept]")?.dataset.concept;
    if (concept) mark(concept);
    if (matchMedia("(max-width: 55rem)").matches) right.scrollIntoView();
  }
});
document.body.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "results") {
    const concept = right.querySelector("[data-concept]")?.dataset.concept;
    if (concept) mark(concept);
  }
});

document.body.addEventListener("htmx:responseError", (event) => {
  const dialog = event.detail.elt.closest("dialog[open]");
  if (!dialog) return;
  const told = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html").body.textContent.trim();
  dialog.querySelector(".wrong-here").textContent = told;
});
