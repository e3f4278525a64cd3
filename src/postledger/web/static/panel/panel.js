// Small comforts on top of pages that work without them.
(() => {
  "use strict";
  // <figure data-series='{"x": [...], "y": [...], "label": "…"}'>: a picture of the table beside it.
  const draw = (root) => {
    for (const box of root.querySelectorAll("[data-series]")) {
      if (box.dataset.drawn || typeof uPlot === "undefined") continue;
      box.dataset.drawn = "yes";
      const given = JSON.parse(box.dataset.series);
      const plot = new uPlot({
        width: box.clientWidth || 600, height: 220, legend: { show: false },
        scales: { y: { range: (_, low, high) => [0, Math.max(1, high * 1.15)] } },
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC"),
        axes: [{ stroke: "#57606f", grid: { show: false }, incrs: [1, 2, 7, 14, 28].map((days) => days * 86400),
          values: (_, ticks) => ticks.map((tick) => new Date(tick * 1e3).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" })) }, { stroke: "#57606f", grid: { stroke: "#e6eaee" } }],
        series: [{}, { label: given.label, stroke: "#0b6e75", width: 2, fill: "rgba(11,110,117,.08)", points: { size: 6 } }],
      }, [given.x, given.y.map(Number)], box);
      addEventListener("resize", () => plot.setSize({ width: box.clientWidth, height: 220 }));
    }
  };
  // <input data-filter="#rows">: hides the rows of a table that do not hold the words typed.
  const filter = (input) => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of document.querySelectorAll(`${input.dataset.filter} tr`)) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  };
  // A form that was sent is not sent twice.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.target === "_blank") return;
    setTimeout(() => { for (const button of form.querySelectorAll("button[type=submit]:enabled")) { button.disabled = true; button.dataset.sent = "yes"; } });
  });
  addEventListener("pageshow", () => { for (const button of document.querySelectorAll("button[data-sent]")) { button.disabled = false; delete button.dataset.sent; } });
  document.addEventListener("input", (event) => { if (event.target.dataset.filter) filter(event.target); });
  document.addEventListener("DOMContentLoaded", () => draw(document));
  document.addEventListener("htmx:afterSettle", (event) => draw(event.target));
})();
