"use strict";

/** The text of a packed element: deflated, in base64. */
async function unpacked(element) {
  const bytes = Uint8Array.from(atob(element.textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).text();
}

/** Unpack libraries and data, then call `main(data)`; a failure is told on the page. */
async function start(main) {
  try {
    for (const element of document.querySelectorAll('[id^="packed-library-"]')) {
      const script = document.createElement("script");
      script.textContent = await unpacked(element);
      document.head.append(script);
    }
    await main(JSON.parse(await unpacked(document.getElementById("packed-data"))));
    document.documentElement.dataset.ready = "true";
  } catch (error) {
    const said = document.createElement("p");
    said.textContent = `This page cannot be shown by this browser (${error}); use a newer one.`;
    document.querySelector("main").prepend(said);
    throw error;
  }
}

/** A colour of the theme by its name, for what is drawn and not styled. */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Light or dark as the system has it, until the button is used; `themed` is told of changes. */
{
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const set = (dark) => {
    root.dataset.theme = dark ? "dark" : "light";
    document.dispatchEvent(new Event("themed"));
  };
  set(system.matches);
  system.addEventListener("change", () => set(system.matches));
  document.getElementById("theme").addEventListener("click", () => {
    set(root.dataset.theme !== "dark");
  });
}
