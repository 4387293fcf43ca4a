export {EditorView, basicSetup} from "codemirror";
export {keymap, placeholder} from "@codemirror/view";
export {EditorState, Compartment, Prec} from "@codemirror/state";
export {syntaxHighlighting} from "@codemirror/language";
export {classHighlighter} from "@lezer/highlight";
export {sql, SQLDialect, PostgreSQL, schemaCompletionSource} from "@codemirror/lang-sql";
