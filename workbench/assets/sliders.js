// The concepts of a bottleneck, set by hand: the server says what the prediction becomes, as fast as it is asked.

const mark = JSON.parse(document.body.getAttribute("hx-headers"));
let asking = null;
let waiting = false;

function values(form) {
  const told = new FormData();
  for (const name of ["image", "run", "label"]) told.set(name, form.elements[name].value);
  for (const range of form.querySelectorAll("[data-concept]")) {
    if (range.name) told.set(range.name, range.value);
  }
  return told;
}

async function ask(form) {
  if (asking) {
    waiting = true; // the last position counts; those in between need not be asked for
    return;
  }
  asking = fetch("/images/set", { method: "POST", headers: { ...mark, "hx-request": "true" }, body: values(form) });
  const answer = await asking;
  asking = null;
  if (answer.ok) show(form, await answer.json());
  else document.getElementById("said").outerHTML = await answer.text();
  if (waiting) {
    waiting = false;
    ask(form);
  }
}

function show(form, told) {
  form.querySelector("[data-score]").textContent = told.score.toFixed(3);
  const cut = told.above === null ? "" : told.above ? "▲ above its operating point" : "▼ below its operating point";
  form.querySelector("[data-cut]").textContent = cut;
}

function setBy(range, set) {
  if (set) range.name = `set.${range.dataset.concept}`;
  else range.removeAttribute("name");
  range.closest(".slider").classList.toggle("is-set", set);
  range.nextElementSibling.textContent = (range.value > 0 ? "+" : "") + Number(range.value).toFixed(1);
  const keep = range.form.querySelector("[type=submit]");
  if (keep) keep.disabled = !range.form.querySelector("[data-concept][name]");
}

addEventListener("input", (event) => {
  if (!event.target.matches("[data-sliders] [data-concept]")) return;
  setBy(event.target, true);
  ask(event.target.form);
});

addEventListener("click", (event) => {
  const form = event.target.closest("[data-sliders]");
  if (!form) return;
  const kept = event.target.closest("[data-apply]");
  if (!kept && !event.target.closest("[data-as-it-is]")) return;
  const set = kept ? JSON.parse(kept.dataset.apply) : {};
  for (const range of form.querySelectorAll("[data-concept]")) {
    const value = set[range.dataset.concept];
    range.value = value ?? range.dataset.own;
    setBy(range, value !== undefined);
  }
  ask(form);
});
