/* What keyboards and screen readers need of the pages that the theme does not give them. */
document.addEventListener("DOMContentLoaded", () => {
  // A table wider than the page scrolls in a box of its own.
  document.querySelectorAll(".bd-article table").forEach((table, k) => {
    if (!table.closest(".table-box")) {
      const box = document.createElement("div");
      box.className = "table-box";
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", table.caption?.textContent.trim() || `Table ${k + 1}`);
      table.replaceWith(box);
      box.append(table);
    }
  });
  for (const code of document.querySelectorAll(".bd-article .highlight pre")) {
    code.tabIndex = 0;
  }
  // The fold of a part of the contents is an arrow without a name.
  for (const fold of document.querySelectorAll(".bd-sidebar summary")) {
    const chapter = fold.closest("li")?.querySelector("a")?.textContent.trim();
    fold.setAttribute("aria-label", `The pages of ${chapter}`);
  }
});
