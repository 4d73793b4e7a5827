// Python in the browser: loaded from this site, then cut off from the network, then asked.
const base = new URL("../python/", import.meta.url).href;
const lastLine = (error) => String(error.message).trim().split("\n").pop();
const step = (done) => postMessage({ kind: "step", done });

const start = async () => {
  const archive = fetch(`${base}doctor.zip`).then((response) => response.arrayBuffer());
  const { loadPyodide } = await import(`${base}pyodide.mjs`);
  step(1);
  const python = await loadPyodide({ indexURL: base });
  step(2);
  python.unpackArchive(new Uint8Array(await archive), "zip", { extractDir: "/doctor" });
  step(3);
  python.runPython("import sys; sys.path.insert(0, '/doctor')");
  const explained = python.pyimport("doctor.site.explained").explained;
  explained("", python.toPy({})).destroy();
  const cutOff = () => { throw new TypeError("the explain page fetches nothing once it is loaded"); };
  Object.assign(globalThis, { fetch: cutOff, XMLHttpRequest: cutOff, WebSocket: cutOff, EventSource: cutOff });
  return { python, explained };
};

const started = start();
started.then(
  () => postMessage({ kind: "ready" }),
  (error) => postMessage({ kind: "failed", why: `Python could not be loaded: ${lastLine(error)}` }),
);

addEventListener("message", async ({ data }) => {
  const { python, explained } = await started;
  const begun = performance.now();
  try {
    const answers = python.toPy(data.facts);
    const found = explained(data.text, answers);
    const [html, json] = found.toJs();
    for (const each of [answers, found]) each.destroy();
    postMessage({ kind: "explained", html, json, milliseconds: performance.now() - begun });
  } catch (error) {
    postMessage({ kind: "failed", why: `A fault of doctor's own: ${lastLine(error)}` });
  }
});
