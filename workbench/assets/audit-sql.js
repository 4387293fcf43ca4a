// The SQL page: an editor that completes tables, columns and functions, fields for $parameters, queries put into it.

import {
  EditorView, basicSetup, keymap, Prec, classHighlighter, syntaxHighlighting, sql, SQLDialect,
} from "/assets/vendor/codemirror.min.js";

const area = document.getElementById("sql");
const form = document.getElementById("sql-form");
const named = document.getElementById("query-name");
const about = document.getElementById("query-about");
const values = document.getElementById("values");
const known = await (await fetch("/audit/sql/schema")).json();
const BEGINS = "value:";

const completed = Object.fromEntries(
  known.relations.map((one) => [
    one.relation,
    {
      self: { label: one.relation, type: "class", info: one.about },
      children: one.columns.map((column) => ({ label: column.column, type: "property", info: column.what })),
    },
  ]),
);
const calls = known.functions.map((one) => ({
  label: one.call.split("(")[0], detail: `(${one.call.split("(")[1]}`, type: "function", info: one.about, apply: one.call,
}));
const columns = known.relations.flatMap((one) =>
  one.columns.map((column) => ({ label: column.column, type: "property", detail: one.relation, info: column.what, boost: -10 })),
);

/** Functions and columns anywhere: a SELECT comes before the FROM that would name its table. */
function anywhere(context) {
  const word = context.matchBefore(/\w+/);
  if (!word && !context.explicit) return null;
  if (context.state.sliceDoc(Math.max(0, (word?.from ?? context.pos) - 1), word?.from ?? context.pos) === ".") return null;
  return { from: word?.from ?? context.pos, options: [...calls, ...columns], validFor: /^\w*$/ };
}

// What a SELECT is made of: the dialects that come with the editor offer hundreds of words that no query here may use.
const dialect = SQLDialect.define({
  keywords:
    "select distinct from where group by having order limit offset as on using join left right full inner outer cross " +
    "lateral union all except intersect with recursive case when then else end and or not in is null like ilike between " +
    "exists asc desc nulls first last qualify over partition rows range filter within values cast interval any some " +
    "true false unnest exclude replace describe summarize pivot unpivot sample",
  types: "integer int bigint smallint double real float boolean varchar text date timestamp decimal map struct list",
  builtin: "count sum avg min max median mode stddev quantile_cont arg_min arg_max list string_agg coalesce round abs " +
    "greatest least length lower upper trim contains starts_with regexp_matches date_trunc strftime row_number rank lag lead",
  doubleQuotedStrings: false,
  specialVar: "$",
});

const language = sql({ dialect, schema: completed, upperCaseKeywords: true });
const editor = new EditorView({
  doc: area.value,
  parent: area.parentElement,
  extensions: [
    Prec.highest(keymap.of([{ key: "Mod-Enter", run: () => (form.requestSubmit(), true) }])),
    basicSetup,
    language,
    language.language.data.of({ autocomplete: anywhere }),
    syntaxHighlighting(classHighlighter),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ "aria-label": "One SELECT over the views", "data-key": "e", "data-key-focus": "", "data-key-label": "write in the editor" }),
    EditorView.updateListener.of((update) => update.docChanged && changed()),
  ],
});
area.after(editor.dom);
area.hidden = true;

function changed() {
  area.value = editor.state.doc.toString();
  const one = known.queries[named.value];
  if (one && one.sql.trim() !== area.value.trim()) named.value = "";
  about.hidden = !named.value;
  showValues();
}

/** The $names of a query, without those in texts and comments. */
function parameters(text) {
  const bare = text.replace(/'(?:[^']|'')*'|--[^\n]*|"(?:[^"])*"/g, " ");
  return [...new Set([...bare.matchAll(/\$([A-Za-z_]\w*)/g)].map((found) => found[1]))];
}

function showValues(given = {}) {
  const names = parameters(area.value);
  const before = Object.fromEntries([...values.querySelectorAll("input")].map((one) => [one.dataset.name, one.value]));
  if (names.join() === Object.keys(before).join() && !Object.keys(given).length) return;
  const told = known.queries[named.value]?.parameters ?? [];
  values.replaceChildren(
    ...names.map((name) => {
      const one = told.find((parameter) => parameter.name === name);
      const label = document.createElement("label");
      const input = document.createElement("input");
      input.name = BEGINS + name;
      input.dataset.name = name;
      input.value = given[name] ?? before[name] ?? one?.default ?? "";
      input.placeholder = "nothing (NULL)";
      label.append(`$${name}`, input);
      if (one) label.title = one.about;
      if (one) label.append(Object.assign(document.createElement("small"), { textContent: one.about }));
      return label;
    }),
  );
}

function put(text, name = "", given = {}, words = "") {
  named.value = name;
  about.textContent = words;
  values.replaceChildren();
  editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: text } });
  showValues(given);
  editor.focus();
}

addEventListener("click", async (event) => {
  const from = event.target.closest("[data-query], [data-saved], [data-inserts]");
  if (!from) return;
  if (from.dataset.query) {
    const one = known.queries[from.dataset.query];
    put(one.sql, from.dataset.query, Object.fromEntries(one.parameters.map((told) => [told.name, told.default])), one.about);
  } else if (from.dataset.saved) {
    const saved = (await (await fetch("/audit/sql/schema")).json()).saved[from.dataset.saved];
    if (saved) put(saved.sql, "", saved.values);
  } else {
    editor.dispatch(editor.state.replaceSelection(from.dataset.inserts));
    editor.focus();
  }
});

document.getElementById("schema-filter").addEventListener("input", (event) => {
  const wanted = event.target.value.trim().toLowerCase();
  for (const one of document.querySelectorAll("#schema > details")) {
    one.hidden = Boolean(wanted) && !one.textContent.toLowerCase().includes(wanted);
    one.open = Boolean(wanted) && !one.hidden;
  }
});

document.querySelector("[data-rests-after]")?.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) event.target.reset();
});

changed();
