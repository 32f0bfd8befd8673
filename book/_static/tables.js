/* A table wider than the page scrolls in a box of its own, which the keyboard reaches. */
document.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll(".bd-article table")) {
    if (!table.closest(".table-box")) {
      const box = document.createElement("div");
      box.className = "table-box";
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", table.caption?.textContent.trim() || "Table");
      table.replaceWith(box);
      box.append(table);
    }
  }
  for (const code of document.querySelectorAll(".bd-article .highlight pre")) {
    code.tabIndex = 0;
  }
});
