// The gallery: arrow keys go from picture to picture; Enter opens one, as it does any link.

addEventListener("keydown", (event) => {
  const grid = document.querySelector("[data-grid]");
  if (!grid || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, dialog")) return;
  const links = [...grid.querySelectorAll("a")];
  if (!links.length) return;
  const across = links.filter((one) => one.offsetTop === links[0].offsetTop).length;
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across, j: 1, k: -1 }[event.key];
  if (step === undefined) return;
  const at = links.indexOf(document.activeElement);
  const next = at < 0 ? 0 : at + step;
  if (next < 0 || next >= links.length) return;
  event.preventDefault();
  links[next].focus();
});
