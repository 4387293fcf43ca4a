export {EditorView, basicSetup} from "codemirror";
export {keymap, placeholder} from "@codemirror/view";
export {EditorState, Compartment, Prec} from "@codemirror/state";
export {sql, SQLDialect, PostgreSQL, schemaCompletionSource} from "@codemirror/lang-sql";
export {oneDark} from "@codemirror/theme-one-dark";
