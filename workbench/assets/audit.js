// The audit page: a command is copied by a button beside it.

import { say } from "/assets/keys.js";

addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copies]");
  if (!button) return;
  const command = button.parentElement.querySelector(".typed");
  try {
    await navigator.clipboard.writeText(command.textContent);
    say("The command is copied.");
  } catch {
    // A page that is not on this machine may not write to the clipboard: what is marked can be copied by hand.
    getSelection().selectAllChildren(command);
    say("The command is marked: copy it with Ctrl-C.");
  }
});
