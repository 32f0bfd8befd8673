/* Pictures of which one is shown at a time, chosen by a range input.
   Without this script all of them stand one under the other. */
document.addEventListener("DOMContentLoaded", () => {
  for (const frames of document.querySelectorAll(".frames")) {
    const figures = [...frames.querySelectorAll("figure")];
    const label = document.createElement("label");
    const range = document.createElement("input");
    const output = document.createElement("output");
    range.type = "range";
    range.min = 0;
    range.max = figures.length - 1;
    range.value = 0;
    label.append(`${frames.dataset.title} `, range, " ", output);

    const draw = () => {
      const chosen = figures[range.value].dataset.label;
      figures.forEach((figure, k) => {
        figure.hidden = k !== Number(range.value);
      });
      range.setAttribute("aria-valuetext", chosen);
      output.textContent = chosen;
    };
    range.addEventListener("input", draw);
    frames.prepend(label);
    frames.classList.add("frames-on");
    draw();
  }
});
