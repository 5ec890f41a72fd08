"use strict";

const SHADES = ["first", "second"];

/** A new element with a class and a text, in a parent. */
function made(tag, parent, { text = "", name = "", ...more } = {}) {
  const one = Object.assign(document.createElement(tag), more);
  if (name) one.className = name;
  one.append(text);
  parent.append(one);
  return one;
}

/** How dark a weight is: by its square root, so that small ones are seen. */
const dark = (weight) => Math.sqrt(Math.min(1, Math.abs(weight)));

/** The colour of a weight: that of its run; what is negative has the other one's. */
function ink(weight, shade) {
  return colour(weight < 0 ? SHADES[1 - SHADES.indexOf(shade)] : shade);
}

/** Draw cells of a size into a context. */
function cells(context, weights, size, shade) {
  weights.forEach((row, down) => row.forEach((weight, along) => {
    context.globalAlpha = dark(weight);
    context.fillStyle = ink(weight, shade);
    context.fillRect(along * size, down * size, size, size);
  }));
  context.globalAlpha = 1;
}

/** Give a canvas a size in pixels of the page, sharp on any screen; its context. */
function sized(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
  [canvas.style.width, canvas.style.height] = [`${width}px`, `${height}px`];
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return context;
}

const CELL = { least: 13, most: 36, tile: 58, letters: "13px system-ui, sans-serif", longest: 120 };

/** A text no wider than may be, its end cut off. */
function cut(context, text) {
  if (context.measureText(text).width <= CELL.longest) return text;
  let short = text;
  while (short && context.measureText(`${short}…`).width > CELL.longest) short = short.slice(0, -1);
  return `${short}…`;
}

/** A map with its words, its gold frames, and the row and column that are pointed at. */
function drawn(canvas, { weights, rows, columns, frames, shade }, at, room) {
  const probe = canvas.getContext("2d");
  probe.font = CELL.letters;
  const [left, above] = [rows, columns].map((names) =>
    Math.max(...names.map((name) => probe.measureText(cut(probe, name)).width)) + 8);
  const size = Math.max(CELL.least, Math.min(CELL.most, Math.floor((room - left - above * 0.5) / columns.length)));
  const [top, wide, high] = [above * 0.87 + 16, columns.length * size, rows.length * size];
  const context = sized(canvas, left + wide + Math.max(20, above * 0.5), top + high + 4);
  context.font = CELL.letters;
  context.textBaseline = "middle";
  const write = (text, x, y, turn, align, chosen) => {
    context.save();
    context.translate(x, y);
    context.rotate(turn);
    context.textAlign = align;
    context.fillStyle = colour(chosen ? "ink" : "quiet");
    context.font = chosen ? `bold ${CELL.letters}` : CELL.letters;
    context.fillText(cut(context, text), 0, 0);
    context.restore();
  };
  rows.forEach((name, row) => write(name, left - 6, top + (row + 0.5) * size, 0, "right", row === at.row));
  columns.forEach((name, column) =>
    write(name, left + (column + 0.5) * size, top - 5, -Math.PI / 3, "left", column === at.column));
  context.translate(left, top);
  context.fillStyle = colour("raised");
  context.fillRect(0, 0, wide, high);
  cells(context, weights, size, shade);
  context.strokeStyle = colour("line");
  context.strokeRect(0.5, 0.5, wide - 1, high - 1);
  context.lineWidth = 2;
  context.strokeStyle = colour("gold");
  for (const [[down, bottom], [along, right]] of frames) {
    context.strokeRect(along * size + 1.5, down * size + 1.5, (right - along) * size - 3, (bottom - down) * size - 3);
  }
  context.lineWidth = 1.5;
  context.strokeStyle = colour("ink");
  if (at.row !== null) context.strokeRect(0, at.row * size, wide, size);
  if (at.column !== null) context.strokeRect(at.column * size, 0, size, high);
  return (x, y) => ({ row: Math.floor((y - top) / size), column: Math.floor((x - left) / size) });
}

const figure4 = (weight) => weight.toFixed(4);

/** What is told of a cell, of all that a row looks at, or of all that look at a column. */
function told({ weights, rows, columns }, { row, column }) {
  if (row !== null && column !== null) return `${rows[row]} looks at ${columns[column]}: ${figure4(weights[row][column])}`;
  const most = (names, values) => names.map((name, place) => [name, values[place]])
    .sort((one, other) => Math.abs(other[1]) - Math.abs(one[1])).slice(0, 6)
    .filter(([, weight]) => weight).map(([name, weight]) => `${name} ${figure4(weight)}`).join(", ");
  if (row !== null) return `${rows[row]} looks at: ${most(columns, weights[row]) || "nothing"}`;
  if (column === null) return "";
  return `${columns[column]} is looked at by: ${most(rows, weights.map((one) => one[column])) || "nothing"}`;
}

/** The large map of a head, with its tokens, which tell their weights when pointed at.
 *
 * It is drawn by the function that comes back, once all stand beside each other. */
function large(parent, view) {
  const one = made("figure", parent);
  const caption = made("figcaption", one);
  made("span", caption, { text: view.title, name: view.shade ?? "" });
  made("span", caption, { text: view.note, name: "note" });
  if (!view.weights) return () => {};
  const canvas = made("canvas", made("div", one, { name: "scroll" }), { tabIndex: 0 });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${view.title}; arrow keys go from cell to cell`);
  const at = { row: null, column: null };
  const strip = (title, names, axis) => {
    const line = made("div", one, { name: "tokens" });
    made("b", line, { text: title });
    return names.map((name, place) => {
      const token = made("button", line, { text: name, type: "button" });
      const here = () => point({ row: null, column: null, [axis]: place });
      for (const event of ["pointerenter", "focus", "click"]) token.addEventListener(event, here);
      return token;
    });
  };
  const tokens = [["row", strip("looks", view.rows, "row")], ["column", strip("looked at", view.columns, "column")]];
  const said = made("p", one, { name: "told" });
  said.setAttribute("aria-live", "polite");
  let place = () => at;
  function point(where) {
    Object.assign(at, where);
    place = drawn(canvas, view, at, one.clientWidth);
    said.textContent = told(view, at);
    for (const [axis, buttons] of tokens) {
      buttons.forEach((token, number) => {
        const weight = at[axis] !== null ? 0
          : axis === "row" ? view.weights[number][at.column] : view.weights[at.row]?.[number];
        token.classList.toggle("chosen", number === at[axis]);
        const share = `${Math.round(60 * dark(weight || 0))}%`;
        token.style.background = weight ? `color-mix(in srgb, ${ink(weight, view.shade)} ${share}, var(--paper))` : "";
      });
    }
  }
  const inside = ({ row, column }) => row in view.rows && column in view.columns;
  const pointer = (event) => {
    const where = place(event.offsetX, event.offsetY);
    if (inside(where)) point(where);
  };
  canvas.addEventListener("pointermove", pointer);
  canvas.addEventListener("pointerdown", pointer);
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = { row: (at.row ?? 0) + step[0], column: (at.column ?? 0) + step[1] };
    if (at.row === null || at.column === null) point({ row: at.row ?? 0, column: at.column ?? 0 });
    else if (inside(next)) point(next);
  });
  return () => point(at);
}
