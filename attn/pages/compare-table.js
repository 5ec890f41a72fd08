/** What the reader has chosen: rows that pass the filters, lines that pictures show, two variants. */
const chosen = { matched: [], shown: [], a: null, b: null };

function isVisible(variant) {
  return chosen.matched[variant] && chosen.shown[variant];
}

function choose(change) {
  Object.assign(chosen, change);
  document.dispatchEvent(new Event("chosen"));
}

/** An element with attributes and children; texts stay texts, whatever they hold. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function byId(id) {
  return document.getElementById(id);
}

/** Fill a select with values, or with pairs of a value and its text. */
function offer(id, values, selected) {
  const pairs = values.map((one) => (Array.isArray(one) ? one : [one, one]));
  byId(id).replaceChildren(...pairs.map(([value, text]) => make("option", { value }, text)));
  if (selected !== undefined) byId(id).value = selected;
}

/** Hand the reader a file of comma-separated values, as RFC 4180 has it. */
function saveCsv(name, header, rows) {
  const quoted = (cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  const lines = [header, ...rows].map((row) => row.map((cell) => quoted(String(cell ?? ""))));
  const text = lines.map((row) => `${row.join(",")}\r\n`).join("");
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  make("a", { href: url, download: `${name}.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/** Numbers by size, texts by their words; what is not known comes last either way. */
function compareCells([text, value], [otherText, otherValue], sign) {
  if (text === "-" || otherText === "-") return (text === "-") - (otherText === "-");
  if (value !== null && otherValue !== null) return sign * (value - otherValue);
  return sign * text.localeCompare(otherText, "en", { numeric: true });
}

/** The table of variants: sorts by its headers, shows the rows that pass the filters. */
function drawTable(data) {
  const body = byId("variants").tBodies[0];
  const isFigure = (column) => column >= data.options;
  const kind = (column) =>
    isFigure(column) ? "figure" : data.following.includes(column) ? "following" : "option";
  const rows = data.cells.map((cells, variant) => {
    const cell = ([text], column) => make("td", { class: kind(column) }, text);
    return make("tr", {}, markers(data, variant), ...cells.map(cell));
  });
  const headers = data.header.map((name, column) => {
    const button = make("button", { type: "button" }, name);
    const header = make("th", { scope: "col", "aria-sort": "none", class: kind(column) }, button);
    button.addEventListener("click", () => sort(column));
    return header;
  });
  byId("variants").tHead.rows[0].append(make("th", { scope: "col" }, "A B"), ...headers);
  body.append(...rows);

  function sort(column) {
    const before = headers[column].getAttribute("aria-sort");
    const first = isFigure(column) ? "descending" : "ascending";
    const second = isFigure(column) ? "ascending" : "descending";
    const order = before === first ? second : first;
    headers.forEach((one, other) => one.setAttribute("aria-sort", other === column ? order : "none"));
    const sign = order === "ascending" ? 1 : -1;
    const cells = data.cells.map((row) => row[column]);
    const sorted = [...rows.keys()].sort((i, j) => compareCells(cells[i], cells[j], sign));
    body.append(...sorted.map((variant) => rows[variant]));
  }

  function unsort() {
    headers.forEach((one) => one.setAttribute("aria-sort", "none"));
    body.append(...rows);
  }

  document.addEventListener("chosen", () => {
    rows.forEach((row, variant) => {
      row.hidden = !chosen.matched[variant];
      for (const button of row.querySelectorAll("[data-side]")) {
        button.setAttribute("aria-pressed", chosen[button.dataset.side] === variant);
      }
    });
    const left = chosen.matched.filter(Boolean).length;
    byId("count").textContent = `${left} of ${rows.length} variants`;
  });
  byId("table-csv").addEventListener("click", () => {
    const visible = [...body.rows].filter((row) => !row.hidden).map((row) => rows.indexOf(row));
    const texts = visible.map((variant) => data.cells[variant].map(([text]) => text));
    saveCsv("variants", data.header, texts);
  });
  byId("more-options").hidden = !data.following.length;
  byId("following").addEventListener("change", (event) => {
    byId("variants").classList.toggle("whole", event.target.checked);
  });
  drawFilters(data, unsort);
}

/** The cell with which a row is made A or B. */
function markers(data, variant) {
  const cell = make("td", { class: "marks" });
  for (const side of ["a", "b"]) {
    const name = side.toUpperCase();
    const label = `${data.labels[variant]} as ${name}`;
    const button = make("button", { type: "button", "data-side": side, "aria-label": label }, name);
    button.addEventListener("click", () => choose({ [side]: variant }));
    cell.append(button, " ");
  }
  return cell;
}

/** A box for words of a row, and for each option its values. */
function drawFilters(data, unsort) {
  const words = byId("words");
  const texts = data.cells.map((row) => row.map(([text]) => text).join(" ").toLowerCase());
  const options = [...data.header.keys()].slice(0, data.options);
  const offered = options.filter((column) => !data.following.includes(column));
  const selects = offered.map((column) => {
    const values = new Map(data.cells.map((row) => [row[column][0], row[column]]));
    const sorted = [...values.values()].sort((one, other) => compareCells(one, other, 1));
    const choices = sorted.map(([text]) => make("option", { value: `=${text}` }, text));
    const select = make("select", {}, make("option", { value: "" }, "any"), ...choices);
    byId("filters").append(make("label", {}, `${data.header[column]} `, select));
    return select;
  });

  function filter() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const passes = (row, variant) =>
      wanted.every((word) => texts[variant].includes(word)) &&
      selects.every((one, i) => !one.value || one.value === `=${row[offered[i]][0]}`);
    choose({ matched: data.cells.map(passes) });
  }

  words.addEventListener("input", filter);
  selects.forEach((one) => one.addEventListener("change", filter));
  byId("reset").addEventListener("click", () => {
    for (const one of [words, ...selects]) one.value = "";
    unsort();
    filter();
  });
  filter();
}
