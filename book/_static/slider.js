/* A line between two pictures: a range input over them, for mouse, touch and keyboard.
   Without this script the two pictures stand one under the other. */
document.addEventListener("DOMContentLoaded", () => {
  for (const slider of document.querySelectorAll("figure.slider")) {
    const stage = slider.querySelector(".slider-stage");
    const after = slider.querySelector(".slider-after");
    const choice = slider.querySelector(".slider-choice");
    const select = choice.querySelector("select");
    const name = slider.querySelector(".slider-name");

    const range = document.createElement("input");
    range.type = "range";
    range.min = 0;
    range.max = 100;
    range.value = 50;
    range.setAttribute("aria-label", "How much of the pictures is shown in gray");
    const line = document.createElement("span");
    line.className = "slider-line";

    const draw = () => {
      stage.style.setProperty("--cut", `${range.value}%`);
      range.setAttribute("aria-valuetext", `${range.value} % gray`);
    };
    range.addEventListener("input", draw);
    select.addEventListener("change", () => {
      after.src = select.value;
      name.textContent = select.selectedOptions[0].textContent;
    });
    stage.append(line, range);
    slider.classList.add("slider-on");
    choice.hidden = false;
    draw();
  }
});
