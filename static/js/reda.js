// What a page gains from JavaScript; each page works without it.
"use strict";

function offerCopy(root) {
  for (const button of root.querySelectorAll("[data-copy]")) {
    button.hidden = !navigator.clipboard;
  }
}

async function copy(button) {
  const label = button.querySelector("[aria-live]");
  await navigator.clipboard.writeText(button.dataset.copy);
  const before = label.textContent;
  label.textContent = button.dataset.copied;
  setTimeout(() => { label.textContent = before; }, 2500);
}

function openDialog(details) {
  const dialog = details.querySelector("dialog");
  if (details.open && !dialog.open) {
    dialog.showModal();
    dialog.addEventListener("close", () => { details.open = false; }, { once: true });
  } else if (!details.open && dialog.open) {
    dialog.close();
  }
}

function enhance(root) {
  offerCopy(root);
  root.querySelectorAll("details.dialog[open]").forEach(openDialog);
  root.querySelector(".error-summary")?.focus();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// In an open menu the arrows go from one line to the next, Escape closes it.
const STEPS = { ArrowDown: 1, ArrowUp: -1 };
document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details.menu[open]");
  if (!menu) return;
  if (event.key === "Escape") {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (STEPS[event.key]) {
    const lines = [...menu.querySelectorAll("summary, .menu-list input[type=search], .menu-list a")];
    lines[lines.indexOf(event.target) + STEPS[event.key]]?.focus();
    event.preventDefault();
  }
});

// `toggle` does not bubble, so it is caught on its way down.
document.addEventListener("toggle", (event) => {
  if (event.target.matches("details.dialog")) openDialog(event.target);
  if (event.target.matches("details.menu[open]")) event.target.querySelector("input[type=search]")?.focus();
}, true);

// A file is being dragged over the page: its place shows itself.
for (const [type, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  document.addEventListener(type, (event) => {
    event.target.closest?.(".file-drop")?.classList.toggle("is-over", over);
  });
}

// The server did not answer: say so, and let the reader try again.
function noAnswer(shown) {
  const notice = document.getElementById("no-answer");
  if (notice) notice.hidden = !shown;
  if (shown) notice?.scrollIntoView({ block: "nearest" });
}
// What a page asks by itself now and then is nobody's act: when it fails, it is asked again later.
function isBackground(event) {
  return event.target.closest?.("[data-background]") != null;
}
for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => { if (!isBackground(event)) noAnswer(true); });
}
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status >= 502 && !isBackground(event)) noAnswer(true);
});
document.addEventListener("htmx:beforeRequest", (event) => {
  // What is asked again and again would have it said each time.
  if (!isBackground(event) && event.detail.requestConfig.triggeringEvent) noAnswer(false);
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (!isBackground(event) && event.detail.successful) noAnswer(false);
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.isError && isBackground(event)) event.detail.shouldSwap = false;
});
document.addEventListener("htmx:afterSwap", (event) => {
  enhance(event.detail.target);
  if (event.detail.target.id === "problem") event.detail.target.scrollIntoView({ block: "nearest" });
});

enhance(document);
