// The concepts of a bottleneck, set by hand: the server says what the prediction becomes, as fast as it is asked.

const mark = JSON.parse(document.body.getAttribute("hx-headers"));
let asking = null;
let waiting = false;

function values(form) {
  const told = new FormData();
  for (const name of ["image", "run", "label"]) told.set(name, form.elements[name].value);
  for (const exact of form.querySelectorAll("[data-exact][name]")) told.set(exact.name, exact.value);
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

// A range holds tenths only: what is sent and kept stands beside it, as it was set or as it was saved.
function setTo(range, value) {
  const slider = range.closest(".slider");
  const exact = slider.querySelector("[data-exact]");
  const set = value !== undefined;
  if (set) exact.name = `set.${range.dataset.concept}`;
  else exact.removeAttribute("name");
  exact.value = set ? value : "";
  slider.classList.toggle("is-set", set);
  range.value = value ?? range.dataset.own;
  slider.querySelector("output").textContent = inWords(Number(range.value), value);
  const keep = range.form.querySelector("[type=submit]");
  if (keep) keep.disabled = !range.form.querySelector("[data-exact][name]");
}

function inWords(shown, value = shown) {
  const tenths = Number(value).toFixed(1);
  return (value > 0 ? "+" : "") + (Number(tenths) === Number(value) ? tenths : String(value));
}

addEventListener("input", (event) => {
  if (!event.target.matches("[data-sliders] [data-concept]")) return;
  setTo(event.target, event.target.value);
  ask(event.target.form);
});

addEventListener("click", (event) => {
  const form = event.target.closest("[data-sliders]");
  if (!form) return;
  const kept = event.target.closest("[data-apply]");
  if (!kept && !event.target.closest("[data-as-it-is]")) return;
  const set = kept ? JSON.parse(kept.dataset.apply) : {};
  for (const range of form.querySelectorAll("[data-concept]")) {
    setTo(range, set[range.dataset.concept]);
  }
  ask(form);
});
