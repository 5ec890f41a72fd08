/** Learning curves, and scores by the length of sources: lines of means with bands over seeds. */
const CLOCKS = { step: "training steps", minutes: "minutes of training" };
const UNITS = {
  loss: "nats per target token",
  "tokens per second": "target tokens/s",
};

function drawCurves(data) {
  const scores = ["dev BLEU", "dev chrF", "dev TER", "dev loss", "dev perplexity", "train loss"];
  const place = (name) => (scores.findIndex((one) => name.startsWith(one)) + 99) % 99;
  const every = [...new Set(data.curves.flatMap(Object.keys))].sort((one, other) => one < other ? -1 : 1);
  const names = every.sort((one, other) => place(one) - place(other));
  const loss = ["dev loss", "train loss"].find((name) => names.includes(name));
  offer("left-name", names, names[0]);
  offer("right-name", names, loss ?? names[0]);
  for (const side of ["left", "right"]) {
    keepDrawn(() => drawCurve(data, side), `${side}-name`, "clock", "band");
    byId(`${side}-csv`).addEventListener("click", () => saveCurve(data, byId(`${side}-name`).value));
  }
}

function drawCurve(data, side) {
  const name = byId(`${side}-name`).value;
  const clock = byId("clock").value;
  const lines = data.curves.map((one) => one[name]);
  const known = lines.filter(Boolean);
  const traces = lines.flatMap((line, variant) => {
    const at = (point) =>
      `step ${figure(line.step[point])}, ${figure(line.minutes[point])} min`;
    return line ? banded(variant, data.labels[variant], line[clock], line, at) : [];
  });
  const unit = UNITS[name.replace(/^\S+ /, "")];
  draw(side, traces, {
    title: name,
    kind: `${name} ${clock}`,
    x: axis(CLOCKS[clock], { range: bounds(known.flatMap((line) => line[clock])) }),
    y: axis(unit ? `${name} (${unit})` : name, { range: bounds(reach(known)) }),
  });
}

function saveCurve(data, name) {
  const rows = data.curves.flatMap((one, variant) => {
    const line = one[name];
    if (!line || !isVisible(variant)) return [];
    const bands = bandRows(data.labels[variant], line.step, line);
    return bands.map(([label, step, ...rest], i) => [label, step, line.minutes[i], ...rest]);
  });
  saveCsv(name, ["variant", "step", "minutes", ...BAND_HEADER], rows);
}

function drawLengths(data) {
  if (!data.lengths) {
    byId("lengths-section").hidden = true;
    return;
  }
  const { groups, metrics } = data.lengths;
  const words = groups.map(([name]) => name);
  const ticks = groups.map(([name, count]) => `${name.replace(/-$/, "+")}<br>${count} sentences`);
  const each = (line) =>
    Object.entries(metrics[byId("metric").value]).map(([variant, one]) => line(Number(variant), one));
  offer("metric", Object.keys(metrics));
  keepDrawn(() => {
    const metric = byId("metric").value;
    const at = (point) => `${words[point]} words`;
    const x = words.map((_, i) => i);
    const traces = each((variant, line) => banded(variant, data.labels[variant], x, line, at));
    draw("lengths", traces.flat(), {
      title: `${metric} of ${data.split} by source length`,
      kind: metric,
      x: axis("words of the source", {
        range: [-0.3, words.length - 0.7], tickvals: x, ticktext: ticks, automargin: true,
      }),
      y: axis(metric, { range: bounds(reach(each((_, line) => line))) }),
    });
  }, "metric", "band");
  byId("lengths-csv").addEventListener("click", () => {
    const rows = each((variant, line) =>
      isVisible(variant) ? bandRows(data.labels[variant], words, line) : []);
    saveCsv(`${byId("metric").value} by length`, ["variant", "words", ...BAND_HEADER], rows.flat());
  });
}
