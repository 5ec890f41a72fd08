const MEAN = "mean";
const ENDS = { encoder: ["source", "source"], decoder: ["said", "read"], cross: ["said", "source"] };
const KINDS = {
  exact: "rows sum to 1",
  partial: "rows sum to 1 at most",
  free: "rows of any sum",
  signed: "weights may be negative",
  implied: "implied: computed for this picture alone",
};
const element = (id) => document.getElementById(id);
const roleOf = (name) => name.split(".")[0];

/** The map of a head, or the mean of a layer's heads, as rows of numbers. */
function matrix(reading, { layer, head }, steps) {
  const { heads, values } = reading.maps[layer];
  const [rows, columns] = ENDS[roleOf(layer)].map((side) => reading.sides[side].pieces.length);
  const some = head === MEAN ? [...Array(heads).keys()] : [head];
  return Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (_, column) =>
    some.reduce((sum, one) => sum + values[(one * rows + row) * columns + column], 0) / some.length / steps));
}

/** A map and what stands at its rows and columns, of pieces or of whole words. */
function seen(reading, choice, steps, whole) {
  const sides = ENDS[roleOf(choice.layer)].map((side) => reading.sides[side]);
  const pieces = matrix(reading, choice, steps);
  if (!whole) return { weights: pieces, rows: sides[0].pieces, columns: sides[1].pieces };
  const [rows, columns] = sides.map((side) => side.words);
  const sum = (row, [, from, to]) => row.slice(from, to).reduce((a, b) => a + b, 0);
  const weights = rows.map(([, from, to]) => columns.map((column) =>
    pieces.slice(from, to).reduce((all, row) => all + sum(row, column), 0) / (to - from)));
  return { weights, rows: rows.map((one) => one[0]), columns: columns.map((one) => one[0]) };
}

/** The rows and columns, from and to, of every two words that are aligned. */
function framed(reading, gold, role, whole) {
  if (role !== "cross" || !gold || !reading.sides.said.words) return [];
  const range = (side, word) => whole ? [word, word + 1] : reading.sides[side].words[word].slice(1);
  return gold.map(([source, target]) => [range("said", target), range("source", source)]);
}

/** The small maps of a run: a row for each layer, a column for each head, their mean last. */
function overview(parent, data, state, number, choose) {
  const [run, reading] = [data.runs[number], data.sentences[state.sentence].readings[number]];
  const section = made("section", parent);
  made("h2", section, { text: run.name, name: SHADES[number] });
  made("p", section, { text: run.place, name: "note" });
  for (const line of run.missing) made("p", section, { text: line, name: "note missing" });
  for (const role of Object.keys(ENDS)) {
    const layers = Object.keys(reading.maps).filter((name) => roleOf(name) === role)
      .sort((one, other) => one.split(".")[1] - other.split(".")[1]);
    if (!layers.length) continue;
    made("h3", section, { text: role === "cross" ? "cross: target looks at source" : `${role}: looks at itself` });
    const most = Math.max(...layers.map((name) => reading.maps[name].heads));
    const tiles = made("div", made("div", section, { name: "scroll" }), { name: "tiles" });
    tiles.style.gridTemplateColumns = `auto repeat(${most + (most > 1)}, auto)`;
    made("span", tiles);
    for (let head = 0; head < most; head += 1) made("span", tiles, { text: `${head}` });
    if (most > 1) made("span", tiles, { text: MEAN });
    layers.forEach((layer, row) => {
      made("span", tiles, { text: layer.split(".")[1] });
      const { heads } = reading.maps[layer];
      [...Array(heads).keys(), ...(most > 1 ? [MEAN] : [])].forEach((head, column) => {
        const tile = made("button", tiles, { type: "button", title: `layer ${layer.split(".")[1]}, head ${head}` });
        tile.setAttribute("aria-label", `${run.name}: ${layer} head ${head}`);
        Object.assign(tile.dataset, { run: number, layer, head });
        tile.style.gridRow = row + 2;
        tile.style.gridColumn = head === MEAN ? most + 2 : column + 2;
        const { weights } = seen(reading, { layer, head }, data.steps, state.words);
        const size = Math.max(1, Math.floor(CELL.tile / Math.max(weights.length, weights[0].length)));
        cells(sized(made("canvas", tile), weights[0].length * size, weights.length * size), weights, size, SHADES[number]);
        tile.addEventListener("click", () => choose(number, layer, head));
      });
    });
    tiles.addEventListener("keydown", (event) => moved(event, tiles));
  }
}

/** Arrow keys go from tile to tile. */
function moved(event, tiles) {
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  if (!step) return;
  event.preventDefault();
  const { gridRow, gridColumn } = event.target.closest("button").style;
  const [row, column] = [parseInt(gridRow, 10) + step[0], parseInt(gridColumn, 10) + step[1]];
  [...tiles.querySelectorAll("button")].find((one) =>
    parseInt(one.style.gridRow, 10) === row && parseInt(one.style.gridColumn, 10) === column)?.focus();
}

/** The mean entropy of rows, where these are distributions. */
function entropy(weights) {
  const rows = weights.map((row) => row.reduce((sum, p) => sum - (p > 0 ? p * Math.log(p) : 0), 0));
  return rows.reduce((sum, one) => sum + one, 0) / rows.length;
}

/** What is shown of the head that is chosen in a run. */
function view(data, state, number) {
  const [run, choice] = [data.runs[number], state.chosen[number]];
  const { gold, readings } = data.sentences[state.sentence];
  const reading = readings[number];
  const [role, layer] = choice.layer.split(".");
  const one = seen(reading, choice, data.steps, state.words);
  const kind = run.weights[choice.layer] ?? "exact";
  const spread = kind === "exact" ? `entropy ${entropy(one.weights).toFixed(3)} nats; ` : "";
  return {
    ...one,
    shade: SHADES[number],
    frames: state.gold ? framed(reading, gold, role, state.words) : [],
    title: `${run.name}: ${role} layer ${layer}, ${choice.head === MEAN ? "mean of heads" : `head ${choice.head}`}`,
    note: `${spread}${KINDS[kind]}`,
  };
}

/** What the head of the first run gives more than that of the second, of whole words. */
function difference(data, state) {
  const { gold, readings } = data.sentences[state.sentence];
  const title = "difference";
  const role = roleOf(state.chosen[0].layer);
  if (role !== roleOf(state.chosen[1].layer)) {
    return { title, note: "The heads chosen are of different roles, and cannot be compared." };
  }
  if (readings.some((reading) => !reading.sides.said.words)) {
    return { title, note: "Some words are unknown to a tokenizer, so that the maps cannot be compared." };
  }
  const [one, two] = readings.map((reading, number) => seen(reading, state.chosen[number], data.steps, true));
  const rows = one.rows.slice(0, Math.min(one.rows.length, two.rows.length));
  return {
    rows,
    columns: one.columns,
    weights: rows.map((_, row) => one.weights[row].map((weight, column) => weight - two.weights[row][column])),
    shade: "first",
    frames: state.gold ? framed(readings[0], gold, role, true) : [],
    title,
    note: `of whole words; in the colour of the run that looks there more: ${data.runs.map((run) => run.name).join(" / ")}`,
  };
}

/** Everything on the page, anew where the sentence, the words or the theme change. */
function main(data) {
  const state = { sentence: 0, words: data.runs.length > 1, gold: true, chosen: [] };
  data.sentences.forEach((one, number) => made("option", element("sentence"), { text: one.name, value: number }));

  /** A layer as a whole: the mean of its heads, or the only one. */
  const whole = (number, layer) =>
    ({ layer, head: data.sentences[0].readings[number].maps[layer].heads > 1 ? MEAN : 0 });

  /** Take a head; the other run takes one of the same role, if it has any. */
  function choose(number, layer, head) {
    state.chosen[number] = { layer, head };
    const maps = Object.keys(data.sentences[state.sentence].readings[1 - number]?.maps ?? {});
    const alike = maps.filter((name) => roleOf(name) === roleOf(layer));
    if (alike.length && roleOf(state.chosen[1 - number].layer) !== roleOf(layer)) {
      state.chosen[1 - number] = whole(1 - number, alike.at(-1));
    }
    figures();
  }

  function figures() {
    for (const tile of document.querySelectorAll(".tiles button")) {
      const { layer, head } = state.chosen[tile.dataset.run];
      tile.setAttribute("aria-pressed", tile.dataset.layer === layer && tile.dataset.head === `${head}`);
    }
    const views = data.runs.map((_, number) => view(data, state, number));
    if (views.length > 1) views.push(difference(data, state));
    element("figures").replaceChildren();
    for (const draw of views.map((one) => large(element("figures"), one))) draw();
  }

  function everything() {
    const { gold, texts, readings } = data.sentences[state.sentence];
    element("texts").replaceChildren();
    for (const text of texts) made("span", element("texts"), { text });
    const known = readings.every((reading) => reading.sides.said.words);
    const boxes = { words: known, gold: gold !== null && known };
    for (const [name, able] of Object.entries(boxes)) {
      element(name).disabled = !able;
      state[name] = state[name] && able;
      element(name).checked = state[name];
    }
    element("lost").hidden = known;
    element("runs").replaceChildren();
    data.runs.forEach((_, number) => overview(element("runs"), data, state, number, choose));
    figures();
  }

  element("all").classList.toggle("one", data.runs.length === 1);
  state.chosen = data.runs.map((_, number) => {
    const names = Object.keys(data.sentences[0].readings[number].maps);
    return whole(number, names.filter((name) => roleOf(name) === "cross").at(-1) ?? names.at(-1));
  });
  element("sentence").addEventListener("change", (event) => {
    Object.assign(state, { sentence: Number(event.target.value), gold: true });
    everything();
  });
  for (const name of ["words", "gold"]) {
    element(name).addEventListener("change", (event) => {
      state[name] = event.target.checked;
      everything();
    });
  }
  document.addEventListener("themed", everything);
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (width !== window.innerWidth) figures();
    width = window.innerWidth;
  });
  everything();
}

start(main);
