const SHOWN_AT_FIRST = 30; // as many as can be told apart

/** Lets the browser show what there is before it goes on. */
function pause() {
  return new Promise((done) => setTimeout(done));
}

start(async (data) => {
  const runs = data.runs.reduce((sum, folders) => sum + folders.length, 0);
  byId("summary").textContent =
    `${data.labels.length} variants, ${runs} runs, split ${data.split}; the best on the dev split first.`;
  byId("remarks").append(...data.remarks.map((line) => make("li", {}, line)));
  byId("runs").append(...data.runs.flatMap((folders, variant) => [
    make("p", {}, data.labels[variant]),
    make("ul", {}, ...folders.map((folder) => make("li", {}, folder))),
  ]));
  chosen.shown = data.labels.map((_, variant) => variant < SHOWN_AT_FIRST);
  drawTable(data);
  drawLegend(data);
  drawSentences(data);
  choose({});
  for (const part of [drawCurves, drawCosts, drawLengths]) {
    await pause();
    part(data);
  }
});
