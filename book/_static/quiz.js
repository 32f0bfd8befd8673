/* Real or colorized? One picture at a time, by buttons or by the keys R and C.

   The order follows from a seed, which stands in the address after #: who opens the same address
   sees the same pictures. A session shows each picture twice: once as it was and once painted, the
   systems taking turns. The answers can be saved as a file:

   {"version": 1, "seed": 7, "answers": [{"picture": 3, "system": "gan/default",
    "shown": "colorized", "answer": "real", "ms": 1850}, ...]}

   A true picture has the system "truth" and is shown "real". */
(() => {
  /** Numbers in [0, 1) that follow from a seed (Tommy Ettinger's mulberry32). */
  const random = (seed) => () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };

  const shuffled = (items, next) => {
    const order = [...items];
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(next() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  };

  /** The questions of a session. A picture is not asked twice in a row. */
  const questions = (seed, pictures, systems) => {
    const next = random(seed);
    const turns = shuffled(systems, next);
    const all = [...Array(pictures).keys()];
    const painted = shuffled(all, next).map((picture, k) => ({
      picture,
      system: turns[k % turns.length],
      shown: "colorized",
    }));
    const real = all.map((picture) => ({ picture, system: "truth", shown: "real" }));
    let order;
    do {
      order = shuffled([...painted, ...real], next);
    } while (order.some((one, k) => k && one.picture === order[k - 1].picture));
    return order;
  };

  /** The 95 % interval of Wilson (1927) for k of n. */
  const wilson = (k, n) => {
    const z = 1.959963984540054;
    const middle = (k + z ** 2 / 2) / (n + z ** 2);
    const half = (z / (n + z ** 2)) * Math.sqrt((k * (n - k)) / n + z ** 2 / 4);
    return [Math.max(0, middle - half), Math.min(1, middle + half)];
  };

  const element = (tag, text, properties = {}) =>
    Object.assign(document.createElement(tag), { textContent: text }, properties);

  const percent = (share) => `${Math.round(100 * share)} %`;

  const start = (quiz, data) => {
    const names = Object.fromEntries(data.systems.map((one) => [one.system, one.name]));
    const files = Object.fromEntries(data.systems.map((one) => [one.system, one.file]));
    const lines = data.pictures / data.columns;
    let seed, asked, answers, since;

    const ask = () => {
      const { picture, system } = asked[answers.length];
      const view = element("div", "", { className: "quiz-picture pixels" });
      view.setAttribute("role", "img");
      view.setAttribute("aria-label", `Picture ${answers.length + 1}`);
      const [x, y] = [picture % data.columns, Math.floor(picture / data.columns)];
      view.style.backgroundImage = `url("${files[system]}")`;
      view.style.backgroundSize = `${100 * data.columns}% ${100 * lines}%`;
      view.style.backgroundPosition =
        `${(100 * x) / (data.columns - 1)}% ${(100 * y) / (lines - 1)}%`;

      const buttons = element("div", "", { className: "quiz-buttons" });
      for (const [answer, label] of [["real", "Real (R)"], ["colorized", "Colorized (C)"]]) {
        const button = element("button", label, { type: "button" });
        button.dataset.answer = answer;
        button.addEventListener("click", () => reply(answer));
        buttons.append(button);
      }
      const bar = element("progress", "", { max: asked.length, value: answers.length });
      bar.setAttribute("aria-label", "Answered");
      const count = element("p", `Picture ${answers.length + 1} of ${asked.length}, seed ${seed}`);
      count.setAttribute("aria-live", "polite");
      quiz.replaceChildren(count, bar, view, buttons);
      since = performance.now();
    };

    const reply = (answer) => {
      if (answers.length === asked.length) return;
      const ms = Math.round(performance.now() - since);
      const focused = quiz.contains(document.activeElement) && document.activeElement.dataset.answer;
      answers.push({ ...asked[answers.length], answer, ms });
      if (answers.length === asked.length) finish();
      else {
        ask();
        if (focused) quiz.querySelector(`[data-answer=${focused}]`).focus();
      }
    };

    const finish = () => {
      const title = element("p", "Taken for real, with 95 % intervals (Wilson):", { tabIndex: -1 });
      const table = element("table", "", { className: "study" });
      const head = table.createTHead().insertRow();
      for (const label of ["Painted by", "Taken for real", "Share", "95 % interval"]) {
        head.append(element("th", label, { scope: "col" }));
      }
      const body = table.createTBody();
      for (const { system } of data.systems) {
        const of = answers.filter((one) => one.system === system);
        if (!of.length) continue;
        const k = of.filter((one) => one.answer === "real").length;
        const [low, high] = wilson(k, of.length);
        const row = body.insertRow();
        row.append(element("th", names[system], { scope: "row" }));
        const cells = [`${k} of ${of.length}`, percent(k / of.length)];
        for (const text of [...cells, `${percent(low)} to ${percent(high)}`]) {
          row.insertCell().textContent = text;
        }
      }
      const box = element("div", "", { className: "table-box", tabIndex: 0 });
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", "Answers by system");
      box.append(table);

      const file = JSON.stringify({ version: 1, seed, answers }, null, 1) + "\n";
      const save = element("a", "Save the answers", {
        className: "quiz-save",
        download: `colornb-quiz-${seed}.json`,
        href: URL.createObjectURL(new Blob([file], { type: "application/json" })),
      });
      const again = element("button", "Another round", { type: "button" });
      again.addEventListener("click", () => begin(fresh()));
      const buttons = element("div", "", { className: "quiz-buttons" });
      buttons.append(save, again);
      quiz.replaceChildren(title, box, buttons);
      title.focus();
    };

    const fresh = () => 1 + Math.floor(Math.random() * 999999);

    const begin = (chosen) => {
      seed = chosen;
      history.replaceState(null, "", `#seed=${seed}`);
      const systems = data.systems.map((one) => one.system).filter((one) => one !== "truth");
      asked = questions(seed, data.pictures, systems);
      answers = [];
      ask();
    };

    document.addEventListener("keydown", (event) => {
      const field = event.target.closest("input, select, textarea");
      if (field || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      const answer = { r: "real", c: "colorized" }[event.key.toLowerCase()];
      if (answer && asked && answers.length < asked.length) reply(answer);
    });

    const given = () => Number(/^#seed=(\d{1,9})$/.exec(location.hash)?.[1]);
    addEventListener("hashchange", () => given() && given() !== seed && begin(given()));
    const button = element("button", "Begin", { type: "button" });
    button.addEventListener("click", () => begin(given() || fresh()));
    const buttons = element("div", "", { className: "quiz-buttons" });
    buttons.append(button);
    quiz.replaceChildren(buttons);
  };

  document.addEventListener("DOMContentLoaded", () => {
    const quiz = document.querySelector(".quiz");
    const data = document.querySelector("script.quiz-data");
    if (quiz && data) start(quiz, JSON.parse(data.textContent));
  });
  globalThis.colornbQuiz = { questions, wilson };
})();
