// A chart of the rows of a result: bars, a line, points or a histogram of chosen columns.

const BINS = 20;
const MOST_BARS = 200;
const MOST_SYMBOLS = 60;
let chart = null;
let drawnIn = null;
let turn = 0; // rows come later than choices: only the last choice is drawn

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const palette = () => ["--chart-1", "--chart-2", "--chart-3", "--chart-4", "--chart-5", "--chart-6"].map(colour);
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

addEventListener("change", (event) => {
  const form = event.target.closest("[data-chart-form]");
  if (form) draw(form.closest("[data-chart]"));
});
addEventListener("theme", () => drawnIn?.isConnected && draw(drawnIn));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawnIn?.isConnected && draw(drawnIn));
addEventListener("resize", () => chart && drawnIn?.isConnected && chart.resize());

async function draw(section) {
  const { kind, x, y, series } = Object.fromEntries(new FormData(section.querySelector("form")));
  const place = section.querySelector("[data-drawn]");
  chart?.dispose();
  [chart, drawnIn] = [null, section];
  place.hidden = !kind;
  note(section, "");
  const mine = ++turn;
  if (!kind) return;
  const found = await (await fetch(section.dataset.rows)).json();
  if (mine !== turn) return;
  const at = (name) => found.columns.indexOf(name);
  const rows = found.rows.map((row) => ({ x: row[at(x)], y: y === undefined ? null : row[at(y)], series: series ? String(row[at(series)] ?? "") : "" }));
  const made = kind === "histogram" ? histogram(rows, x) : plotted(kind, rows, x, y);
  if (typeof made === "string") {
    place.hidden = true;
    return note(section, made);
  }
  if (found.more) note(section, `Of the first ${found.rows.length} rows.`);
  chart = window.echarts.init(place, null, { renderer: "svg" });
  chart.setOption({ ...frame(), ...made });
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", `Chart of the rows in the table: ${kind === "histogram" ? `histogram of ${x}` : `${y} by ${x}`}${series ? `, one of each ${series}` : ""}`);
}

function note(section, told) {
  const line = section.querySelector("[data-drawn-note]");
  line.textContent = told;
  line.hidden = !told;
}

function frame() {
  const ink = colour("--pico-color");
  return {
    color: palette(),
    backgroundColor: "transparent",
    animation: false,
    textStyle: { color: ink, fontFamily: "inherit" },
    legend: { textStyle: { color: ink }, type: "scroll", top: 0 },
    grid: { left: 64, right: 16, top: 36, bottom: 56 },
    tooltip: { trigger: "item", confine: true },
  };
}

const legend = (names) => (names.length > 1 ? {} : { legend: { show: false } });

function axis(name, type, more = {}) {
  const ink = colour("--pico-color");
  return {
    name, type, nameLocation: "middle", nameGap: type === "category" ? 36 : 30, nameTextStyle: { color: ink },
    axisLabel: { color: ink, hideOverlap: true }, axisLine: { show: true, lineStyle: { color: colour("--soft") } },
    splitLine: { lineStyle: { color: colour("--line") } }, scale: true, ...more,
  };
}

function plotted(kind, rows, x, y) {
  if (y === undefined) return "There is no column of numbers to draw.";
  const shown = rows.filter((row) => row.x !== null && isNumber(row.y));
  if (!shown.length) return `No row has both ${x} and a number in ${y}.`;
  const ordered = kind !== "bar" && shown.every((row) => isNumber(row.x));
  const categories = ordered ? null : [...new Set(shown.map((row) => String(row.x)))];
  if (categories && categories.length > MOST_BARS) return `${x} has ${categories.length} values: ${MOST_BARS} at the most can be told apart.`;
  const names = [...new Set(shown.map((row) => row.series))];
  if (kind !== "scatter" && categories && new Set(shown.map((row) => JSON.stringify([row.x, row.series]))).size < shown.length) {
    return `Several rows have the same ${x}: let the query make one of them, or choose one of each.`;
  }
  const series = names.map((name) => {
    const mine = shown.filter((row) => row.series === name);
    const data = ordered ? mine.map((row) => [row.x, row.y]) : mine.map((row) => [String(row.x), row.y]);
    if (ordered && kind === "line") data.sort((a, b) => a[0] - b[0]);
    return { name: name || y, type: kind, data, symbolSize: kind === "scatter" ? 8 : 6, showSymbol: data.length <= MOST_SYMBOLS };
  });
  return {
    series,
    ...legend(names),
    xAxis: ordered ? axis(x, "value") : axis(x, "category", { data: categories }),
    yAxis: axis(y, "value", kind === "bar" ? { scale: false, nameGap: 44 } : { nameGap: 44 }),
  };
}

function histogram(rows, x) {
  const values = rows.map((row) => row.x).filter(isNumber);
  if (!values.length) return `${x} holds no numbers: a histogram is of numbers.`;
  const [low, high] = values.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]);
  const width = (high - low || 1) / BINS;
  const names = [...new Set(rows.map((row) => row.series))];
  const edges = Array.from({ length: BINS }, (_, bin) => `${Number((low + bin * width).toPrecision(3))}`);
  const series = names.map((name) => {
    const data = Array(BINS).fill(0);
    for (const row of rows) if (row.series === name && isNumber(row.x)) data[Math.min(BINS - 1, Math.floor((row.x - low) / width))] += 1;
    return { name: name || "rows", type: "bar", data, barCategoryGap: "4%", stack: names.length > 1 ? "all" : undefined };
  });
  return {
    series,
    ...legend(names),
    xAxis: axis(`${x}, from`, "category", { data: edges }),
    yAxis: axis("rows", "value", { scale: false, nameGap: 44 }),
  };
}
