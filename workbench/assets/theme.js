// Light or dark: what was chosen before, else what the system prefers. It runs before the page is drawn.
const chosen = localStorage.getItem("clear-kb-theme");
if (chosen) document.documentElement.dataset.theme = chosen;

addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-switch]")) return;
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("clear-kb-theme", root.dataset.theme);
  dispatchEvent(new CustomEvent("theme", { detail: root.dataset.theme }));
});
