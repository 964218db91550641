// The print button of a settlement sheet: without this script the browser's own does the same.
for (const button of document.querySelectorAll("[data-print]")) {
  button.addEventListener("click", () => window.print());
}
