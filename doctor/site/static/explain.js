// Hands the text to Python in a worker, and shows what comes back. The worker is made of this page's own words, so that it is under this page's
// policy: it can fetch from here, and from nowhere else.
"use strict";
const field = (name) => document.getElementById(name);
const worker = new Worker(
  URL.createObjectURL(new Blob([`import ${JSON.stringify(new URL("worker.js", document.currentScript.src).href)};`], { type: "text/javascript" })),
  { type: "module" },
);
const form = field("ask");
let facts = {};
let ready = false;
let asked = false;

const say = (text) => { field("state").textContent = text; };

const ask = () => {
  if (!ready || field("text").value.trim() === "") return;
  asked = true;
  say("Reading.");
  field("explain").disabled = true;
  worker.postMessage({ text: field("text").value, facts });
};

const told = {
  step: ({ done }) => { field("loading").value = done; },
  ready: () => {
    ready = true;
    field("loading").value = 4;
    field("explain").disabled = false;
    say("Ready.");
  },
  explained: ({ html, json, milliseconds }) => {
    field("answer").innerHTML = html; // every piece of the text in it was escaped by the Python that made it
    field("json").textContent = json;
    field("whole").hidden = false;
    field("explain").disabled = false;
    say(`Read in ${(milliseconds / 1000).toFixed(1)} s.`);
    field("answer").focus();
  },
  failed: ({ why }) => {
    say(why);
    field("explain").disabled = !ready;
  },
};

worker.onmessage = ({ data }) => told[data.kind](data);
worker.onerror = () => {
  say(location.protocol === "file:"
    ? "Browsers load Python only from a server: python3 -m http.server in the site's folder is one."
    : "Python could not be loaded here; `doctor explain` says the same on your machine.");
};
form.addEventListener("submit", (event) => {
  event.preventDefault();
  facts = {};
  ask();
});
field("answer").addEventListener("click", ({ target }) => {
  const button = target.closest("button[data-fact]");
  if (!button || !asked) return;
  facts = { ...facts, [button.dataset.fact]: button.dataset.value };
  ask();
});
