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
    // Rows of whole sentences are read one under the other on a phone, each cell after the name
    // of its column.
    const names = [...(table.tHead?.rows[0].cells ?? [])].map((cell) => cell.textContent.trim());
    const long = table.textContent.length > 100 * table.rows.length;
    if (long && names.length > 2 && !table.matches(".study")) {
      table.classList.add("stacks");
      for (const cell of table.querySelectorAll("tbody :is(td, th)")) {
        cell.dataset.column = names[cell.cellIndex];
      }
    }
  });
  // A figure with small print keeps its size on a phone, and scrolls in a box as well.
  for (const picture of document.querySelectorAll(".bd-article figure > img:not(.pixels)")) {
    const box = document.createElement("div");
    box.className = "figure-box";
    picture.replaceWith(box);
    box.append(picture);
    if (box.scrollWidth > box.clientWidth) {
      box.tabIndex = 0;
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", "Figure, wider than the page");
    }
  }
  for (const code of document.querySelectorAll(".bd-article .highlight pre")) {
    code.tabIndex = 0;
  }
  // The fold of a part of the contents is an arrow without a name.
  for (const fold of document.querySelectorAll(".bd-sidebar summary")) {
    const chapter = fold.closest("li")?.querySelector("a")?.textContent.trim();
    fold.setAttribute("aria-label", `The pages of ${chapter}`);
  }
});
