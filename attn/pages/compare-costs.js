/** Quality against cost, and the front of variants that none is both better and cheaper than. */
const LESS_IS_BETTER = /^TER/;
const MORE_IS_CHEAPER = /^tokens\/s/;
const QUALITY = /^(BLEU|chrF|TER|COMET)/;
const COST = /^(parameters|\wFLOPs|GiB|tokens\/s|minutes)/;
const COST_TITLES = {
  "MFLOPs/token": "operations of training (MFLOPs per target token)",
  GiB: "memory of training (GiB)",
  "tokens/s": "speed of training (target tokens/s)",
  "tokens/s trained": "speed of training (target tokens/s)",
  "tokens/s decoded": "speed of decoding (target tokens/s)",
  minutes: "time of training (minutes)",
};

function drawCosts(data) {
  const isKnown = (column) => data.cells.some((row) => row[column][1] !== null);
  const figures = [...data.header.keys()].slice(data.options).filter(isKnown);
  const named = (column) => [column, data.header[column]];
  const qualities = figures.filter((column) => QUALITY.test(data.header[column]));
  const costs = figures.filter((column) => COST.test(data.header[column]));
  const tested = qualities.find((column) => data.header[column].includes(` ${data.split}`));
  offer("quality", qualities.map(named), tested);
  const differs = (column) => new Set(data.cells.map((row) => row[column][1])).size > 1;
  offer("cost", costs.map(named), costs.find(differs));
  keepDrawn(() => drawFront(data), "quality", "cost", "log");
  byId("costs-csv").addEventListener("click", () => {
    const { points, quality, cost } = pointsOf(data);
    const rows = points.map((one) => [data.labels[one.variant], one.x, one.y, one.spread]);
    saveCsv("quality and cost", ["variant", cost, quality, "deviation"], rows);
  });
}

/** The variants that are shown and have both figures. */
function pointsOf(data) {
  const [down, across] = ["quality", "cost"].map((id) => Number(byId(id).value));
  const every = data.cells.map((row, variant) => ({
    variant, x: row[across][1], y: row[down][1], spread: row[down][2],
  }));
  const known = every.filter((one) => one.x !== null && one.y !== null);
  const points = known.filter((one) => isVisible(one.variant));
  return { known, points, quality: data.header[down], cost: data.header[across] };
}

/** Of some points those that no other is better than in one way and at least as good in the other. */
function paretoFront(points, quality, cost) {
  const better = LESS_IS_BETTER.test(quality) ? -1 : 1;
  const cheaper = MORE_IS_CHEAPER.test(cost) ? -1 : 1;
  const sorted = [...points].sort(
    (one, other) => cheaper * (one.x - other.x) || better * (other.y - one.y),
  );
  const front = [];
  for (const one of sorted) {
    const last = front.at(-1);
    if (!last || better * (one.y - last.y) > 0) front.push(one);
  }
  return front;
}

function drawFront(data) {
  const { known, points, quality, cost } = pointsOf(data);
  const front = paretoFront(points, quality, cost);
  const log = byId("log").checked;
  const line = {
    x: front.map((one) => one.x),
    y: front.map((one) => one.y),
    mode: "lines",
    line: { color: colour("quiet"), width: 1.5, shape: "hv" },
    hoverinfo: "skip",
  };
  const title = COST_TITLES[cost] ?? cost;
  draw("costs", [line, ...points.map((one) => pointTrace(data, one, front, quality, cost))], {
    title: `${quality} against ${cost}`,
    kind: `${quality} ${cost} ${log}`,
    x: axis(title, { type: log ? "log" : "linear", range: bounds(known.map((one) => one.x), log) }),
    y: axis(quality, {
      range: bounds(known.flatMap((one) => [one.y - (one.spread ?? 0), one.y + (one.spread ?? 0)])),
    }),
  });
}

function pointTrace(data, { variant, x, y, spread }, front, quality, cost) {
  const { hue, symbol } = look(variant);
  const isOnFront = front.some((one) => one.variant === variant);
  const label = literal(data.labels[variant]);
  const off = spread === null ? "" : ` ± ${figure(spread)}`;
  return {
    x: [x],
    y: [y],
    mode: "markers",
    marker: {
      color: colour(hue), symbol, size: isOnFront ? 13 : 9,
      line: { width: isOnFront ? 2 : 0, color: colour("ink") },
    },
    error_y: { array: [spread ?? 0], color: colour(hue), thickness: 1.5, width: 4 },
    hovertext: `<b>${label}</b>${isOnFront ? ", Pareto front" : ""}` +
      `<br>${literal(quality)} ${figure(y)}${off}<br>${literal(cost)} ${figure(x)}`,
    hoverinfo: "text",
  };
}
