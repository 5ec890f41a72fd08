/** What all pictures share: the look of a variant, the legend, axes in the colours of the theme. */
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash"];
const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross"];
const HUES = 6;

function look(variant) {
  const kind = Math.floor(variant / HUES) % DASHES.length;
  return { hue: `hue-${variant % HUES}`, dash: DASHES[kind], symbol: SYMBOLS[kind] };
}

/** A text for Plotly, which else takes some of HTML. */
function literal(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function figure(value) {
  return value.toLocaleString("en", { maximumSignificantDigits: 5 });
}

/** A colour of the theme that lets others through. */
function sheer(name, alpha) {
  const part = (start) => parseInt(colour(name).slice(start, start + 2), 16);
  return `rgba(${part(1)}, ${part(3)}, ${part(5)}, ${alpha})`;
}

/** The bounds of all values, with some room; they do not depend on what is shown. */
function bounds(values, log = false) {
  const known = values.filter((one) => Number.isFinite(one) && (!log || one > 0));
  if (!known.length) return [0, 1];
  const scaled = log ? known.map(Math.log10) : known;
  const low = scaled.reduce((one, other) => Math.min(one, other));
  const high = scaled.reduce((one, other) => Math.max(one, other));
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return [low - room, high + room];
}

function axis(title, more) {
  const shared = { gridcolor: colour("line"), linecolor: colour("line"), zeroline: false };
  return { title: { text: title, standoff: 8 }, ...shared, ...more };
}

/** Draw a picture, or draw it again: a reader's zoom stays until `kind`, what is shown, changes. */
function draw(id, traces, { title, x, y, kind }) {
  const layout = {
    title: { text: literal(title), x: 0, xref: "paper", font: { size: 14 } },
    paper_bgcolor: colour("paper"),
    plot_bgcolor: colour("paper"),
    font: { color: colour("ink"), size: 12.5, family: getComputedStyle(document.body).fontFamily },
    hoverlabel: {
      bgcolor: colour("raised"),
      bordercolor: colour("line"),
      font: { color: colour("ink") },
      align: "left",
    },
    margin: { l: 62, r: 14, t: 40, b: 56 },
    showlegend: false,
    hovermode: "closest",
    // A finger that moves over a picture scrolls the page.
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    uirevision: kind,
    xaxis: x,
    yaxis: y,
  };
  const config = {
    responsive: true,
    displaylogo: false,
    // These alone: others would select, or share what is shown.
    modeBarButtons: [["toImage"], ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
    toImageButtonOptions: { filename: id, scale: 2 },
  };
  byId(id).setAttribute("aria-label", `${title}; its numbers come with the button csv`);
  Plotly.react(byId(id), traces, layout, config);
}

/** A line of means, and a band around it; `x` has a value for each point of `line`. */
function banded(variant, label, x, line, describe) {
  const { hue, dash, symbol } = look(variant);
  const visible = isVisible(variant);
  const [low, high] = edges(line);
  const points = line.mean.map((mean, point) => {
    const spread = line.seeds[point] > 1
      ? `<br>${figure(line.low[point])} to ${figure(line.high[point])}, ` +
        `± ${figure(line.deviation[point])}, ${line.seeds[point]} seeds`
      : "";
    return `<b>${literal(label)}</b><br>${describe(point)}: ${figure(mean)}${spread}`;
  });
  const band = {
    x: [...x, ...[...x].reverse()],
    y: [...high, ...[...low].reverse()],
    fill: "toself",
    fillcolor: sheer(hue, 0.14),
    line: { width: 0 },
    mode: "lines",
    hoverinfo: "skip",
    visible: visible && byId("band").value !== "none",
  };
  const mean = {
    x,
    y: line.mean,
    mode: x.length > 40 ? "lines" : "lines+markers",
    line: { color: colour(hue), dash, width: 2 },
    marker: { color: colour(hue), symbol, size: 6 },
    hovertext: points,
    hoverinfo: "text",
    visible,
  };
  return [band, mean];
}

function edges(line) {
  if (byId("band").value === "range") return [line.low, line.high];
  return [-1, 1].map((sign) => line.mean.map((mean, i) => mean + sign * line.deviation[i]));
}

/** All that a band may reach, whichever is chosen. */
function reach(lines) {
  return lines.flatMap((line) =>
    line.mean.flatMap((mean, i) => {
      const off = line.deviation[i];
      return [line.low[i], line.high[i], mean - off, mean + off];
    }),
  );
}

/** Rows of a picture's numbers, a row a point. */
function bandRows(label, x, line) {
  return line.mean.map((mean, i) => [
    label, x[i], mean, line.low[i], line.high[i], line.deviation[i], line.seeds[i],
  ]);
}

const BAND_HEADER = ["mean", "low", "high", "deviation", "seeds"];

/** The legend of all pictures: a press shows a variant or hides it. */
function drawLegend(data) {
  const chips = data.labels.map((label, variant) => {
    const chip = make("button", { type: "button", class: "chip" }, sample(variant), label);
    chip.addEventListener("click", () => {
      choose({ shown: chosen.shown.map((one, i) => (i === variant ? !one : one)) });
    });
    return chip;
  });
  byId("chips").append(...chips);
  document.addEventListener("chosen", () => {
    chips.forEach((chip, variant) => {
      chip.hidden = !chosen.matched[variant];
      chip.setAttribute("aria-pressed", chosen.shown[variant]);
    });
  });
  byId("all").addEventListener("click", () => choose({ shown: chips.map(() => true) }));
  byId("none").addEventListener("click", () => choose({ shown: chips.map(() => false) }));
}

/** A piece of a variant's line. */
function sample(variant) {
  const { hue, dash } = look(variant);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  const parts = { solid: "", dash: "7 4", dot: "2 3", dashdot: "7 3 2 3", longdash: "11 4" };
  const given = { x1: 0, x2: 26, y1: 5, y2: 5, stroke: `var(--${hue})`, "stroke-width": 3 };
  for (const [key, value] of Object.entries(given)) line.setAttribute(key, value);
  line.setAttribute("stroke-dasharray", parts[dash]);
  svg.setAttribute("width", 26);
  svg.setAttribute("height", 10);
  svg.setAttribute("aria-hidden", "true");
  svg.append(line);
  return svg;
}

/**
 * Draw now, and again whenever choices, theme or one of these controls change: each picture in its
 * turn, and once for what changes together, so that the page stays quick.
 */
function keepDrawn(drawing, ...controls) {
  let isWaiting = false;
  const soon = () => {
    if (isWaiting) return;
    isWaiting = true;
    setTimeout(() => {
      isWaiting = false;
      drawing();
    });
  };
  for (const event of ["chosen", "themed"]) document.addEventListener(event, soon);
  for (const id of controls) byId(id).addEventListener("change", soon);
  drawing();
}
