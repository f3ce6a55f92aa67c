// What the pages of a case gain from JavaScript: they stand open, and change by themselves.
"use strict";

// Read out when it changes, and not before each new page.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target.matches("[data-live]")) event.detail.target.setAttribute("role", "status");
});

// What is shown anew would lose the focus: the same link or button gets it, else the page's content.
let focused = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const active = document.activeElement, target = event.detail.target;
  focused = target.matches("#main, #payment") && target.contains(active) ? active.outerHTML : null;
});
document.addEventListener("htmx:afterSwap", () => {
  if (!focused) return;
  const main = document.getElementById("main");
  const same = [...main.querySelectorAll("a, button, summary, input")].find((one) => one.outerHTML === focused);
  (same ?? main).focus({ preventScroll: true });
  focused = null;
});
