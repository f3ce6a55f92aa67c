// What the pages of creditors and operators gain from JavaScript besides; each works without it.
"use strict";

function insert(button) {
  const field = document.getElementById(button.dataset.into);
  field.setRangeText(button.dataset.insert, field.selectionStart, field.selectionEnd, "end");
  field.focus();
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function offerInserting(root) {
  for (const button of root.querySelectorAll("[data-insert]")) button.hidden = false;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  if (button) insert(button);
});

// One key presses the button that shows it, while nobody writes.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.closest?.("input, textarea, select")) return;
  document.querySelector(`button[data-key="${CSS.escape(event.key)}"]`)?.click();
});

// Pages can be dragged to another place; the buttons beside them do the same.
let dragged = null;
document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.("[data-drag] > [data-place]") ?? null;
});
document.addEventListener("dragover", (event) => {
  const over = event.target.closest?.("[data-drag] > [data-place]");
  if (!dragged) return;
  for (const one of document.querySelectorAll("[data-drag] > .is-over")) one.classList.remove("is-over");
  if (over && over !== dragged) {
    over.classList.add("is-over");
    event.preventDefault();
  }
});
document.addEventListener("drop", (event) => {
  const over = event.target.closest?.("[data-drag] > [data-place]");
  if (!dragged || !over) return;
  event.preventDefault();
  const button = over.closest("form").querySelector("[data-drag-button]");
  button.value = `${dragged.dataset.place}:${over.dataset.place}`;
  over.closest("form").requestSubmit(button);
});
document.addEventListener("dragend", () => { dragged = null; });

document.addEventListener("htmx:afterSwap", (event) => offerInserting(event.detail.target));
offerInserting(document);
