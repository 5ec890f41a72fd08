/** The sentences on which two variants differ most, beside source and reference. */
const AT_ONCE = 10;

function drawSentences(data) {
  const kept = data.sentences;
  const variants = [...new Set((kept?.runs ?? []).map((run) => run.variant))];
  if (variants.length < 2) {
    byId("sentences-section").hidden = true;
    return;
  }
  const named = variants.map((variant) => [variant, data.labels[variant]]);
  offer("measure", Object.keys(kept.scores));
  offer("a", named, variants[0]);
  offer("b", named, variants[1]);
  let room = AT_ONCE;
  const show = () => drawList(data, room);
  const again = () => {
    room = AT_ONCE;
    show();
  };
  for (const side of ["a", "b"]) {
    byId(side).addEventListener("change", () => choose({ [side]: Number(byId(side).value) }));
  }
  for (const id of ["measure", "order"]) byId(id).addEventListener("change", again);
  byId("text").addEventListener("input", again);
  byId("more").addEventListener("click", () => {
    room += AT_ONCE;
    show();
  });
  let before = [];
  document.addEventListener("chosen", () => {
    const pair = [chosen.a, chosen.b];
    if (String(pair) === String(before)) return;
    before = pair;
    for (const side of ["a", "b"]) byId(side).value = chosen[side];
    again();
  });
  [chosen.a, chosen.b] = variants;
}

function shownScore(value) {
  return value.toFixed(1);
}

/** The mean score of each sentence over the seeds of a variant. */
function meansOf(kept, variant) {
  const measure = kept.scores[byId("measure").value];
  const rows = measure.filter((_, run) => kept.runs[run].variant === variant);
  return kept.references.map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length);
}

function drawList(data, room) {
  const kept = data.sentences;
  const sides = ["a", "b"].map((side) => ({ variant: chosen[side], name: side.toUpperCase() }));
  const lacking = sides.filter(({ variant }) => !kept.runs.some((run) => run.variant === variant));
  if (lacking.length) {
    byId("verdict").textContent = `no translations of ${lacking.map(
      ({ variant, name }) => `${name}, ${data.labels[variant]}`).join(" and ")}`;
    byId("sentences").replaceChildren();
    byId("more").hidden = true;
    return;
  }
  for (const side of sides) side.means = meansOf(kept, side.variant);
  const [one, other] = sides.map((side) => side.means);
  const ahead = one.map((score, i) => score - other[i]);
  const sign = { both: Math.abs, a: (gap) => gap, b: (gap) => -gap }[byId("order").value];
  const found = matching(kept, byId("text").value)
    .filter((i) => sign(ahead[i]) > 0)
    .sort((i, j) => sign(ahead[j]) - sign(ahead[i]) || i - j);
  tellVerdict(sides, ahead, found.length);
  byId("sentences").replaceChildren(...found.slice(0, room).map((i) => card(kept, sides, i)));
  byId("more").hidden = found.length <= room;
}

/** The sentences that hold a text, in source, reference or a translation. */
function matching(kept, text) {
  const wanted = text.toLowerCase();
  const holds = (line) => line?.toLowerCase().includes(wanted);
  return [...kept.references.keys()].filter(
    (i) => !wanted || holds(kept.sources[i]) || holds(kept.references[i]) || kept.texts[i].some(holds),
  );
}

function tellVerdict(sides, ahead, found) {
  const mean = (scores) => shownScore(scores.reduce((sum, one) => sum + one, 0) / scores.length);
  const count = (test) => ahead.filter(test).length;
  const [a, b] = sides.map(({ means }) => mean(means));
  byId("verdict").textContent =
    `Sentence ${byId("measure").value}: mean of A ${a}, of B ${b}. A is better on ` +
    `${count((gap) => gap > 0)} sentences, B on ${count((gap) => gap < 0)}, ` +
    `${count((gap) => gap === 0)} are equal; ${found} listed.`;
}

function card(kept, sides, i) {
  const [a, b] = sides.map(({ means }) => means[i]);
  const gap = a - b;
  const list = make("dl");
  const add = (term, text, attributes = {}) => {
    const said = typeof text === "string" ? [text] : text;
    list.append(make("dt", attributes, term), make("dd", { dir: "auto" }, ...said));
  };
  if (kept.sources[i] !== undefined) add("source", kept.sources[i]);
  add("reference", kept.references[i]);
  sides.forEach(({ variant, name }, side) => {
    const isBetter = side === 0 ? gap > 0 : gap < 0;
    for (const [text, { seeds, scores }] of versions(kept, variant, i)) {
      const which = `${name}, seed ${seeds.join(", ")}: ${shownScore(scores[0])}`;
      add(which, marked(text, kept.references[i]), { class: isBetter ? "better" : "worse" });
    }
  });
  const better = gap > 0 ? "A" : "B";
  const heading = `sentence ${i + 1}: A ${shownScore(a)}, B ${shownScore(b)}; ${better} ahead by `;
  return make("article", { class: "sentence" },
    make("h3", {}, heading, make("b", {}, shownScore(Math.abs(gap)))), list);
}

/** What the seeds of a variant said of a sentence, like translations together. */
function versions(kept, variant, i) {
  const found = new Map();
  const measure = kept.scores[byId("measure").value];
  kept.runs.forEach((run, number) => {
    if (run.variant !== variant) return;
    const text = kept.texts[i][number];
    if (!found.has(text)) found.set(text, { seeds: [], scores: [] });
    found.get(text).seeds.push(run.seed);
    found.get(text).scores.push(measure[number][i]);
  });
  return found;
}

/** Words, and what stands between them; of scripts without spaces too, where the browser can. */
function wordsOf(text) {
  if (!Intl.Segmenter) return text.split(/(\s+)/).filter(Boolean);
  const segments = new Intl.Segmenter(undefined, { granularity: "word" }).segment(text);
  return [...segments].map((one) => one.segment);
}

/** A translation, the words marked that no longest common subsequence with the reference has. */
function marked(text, reference) {
  const words = wordsOf(text);
  const others = wordsOf(reference);
  const best = Array.from({ length: words.length + 1 }, () => new Uint16Array(others.length + 1));
  for (let i = words.length - 1; i >= 0; i--) {
    for (let j = others.length - 1; j >= 0; j--) {
      best[i][j] = words[i] === others[j]
        ? best[i + 1][j + 1] + 1
        : Math.max(best[i + 1][j], best[i][j + 1]);
    }
  }
  const said = [];
  let [i, j] = [0, 0];
  while (i < words.length) {
    if (j < others.length && words[i] === others[j]) {
      said.push(words[i++]);
      j++;
    } else if (j < others.length && best[i][j + 1] >= best[i + 1][j]) {
      j++;
    } else {
      const word = words[i++];
      said.push(/^\s+$/.test(word) ? word : make("mark", {}, word));
    }
  }
  return said;
}
