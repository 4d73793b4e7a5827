// Shows of the list what the form asks for. What lives in which release stands in the page itself, as places in each package's list.
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const form = document.getElementById("filter");
const field = (name) => document.getElementById(name);
const entries = [...document.querySelectorAll("#advisories > li")].map((element) => ({
  element,
  ...element.dataset,
  text: `${element.textContent} ${element.dataset.words}`.toLowerCase(),
}));

const livesIn = (id, name, at) => {
  const packages = data.advisories[id];
  const inside = (intervals) => at === null || intervals.some(([start, end]) => start <= at && at < end);
  return name === "" || (name in packages && inside(packages[name]));
};

const offerVersions = (name) => {
  field("versions").replaceChildren(...(data.packages[name] ?? []).slice().reverse().map((each) => new Option(each, each)));
};

const show = () => {
  const [words, name, version, severity, kind] = ["words", "package", "version", "severity", "kind"].map((each) => field(each).value.trim());
  const at = version === "" || name === "" ? null : data.packages[name].indexOf(version);
  const wanted = words.toLowerCase().split(/\s+/);
  let count = 0;
  for (const each of entries) {
    const fits =
      at !== -1 && livesIn(each.id, name, at) && (severity === "" || each.severity === severity) && (kind === "" || each.kind === kind) &&
      wanted.every((word) => each.text.includes(word));
    each.element.hidden = !fits;
    count += fits;
  }
  let said = `${count} of ${entries.length} advisories`;
  if (at === -1) said = `${version} is no release of ${name} that is known here`;
  else if (version !== "" && name === "") said += "; choose the package that the version is of";
  field("count").textContent = said;
  const asked = new URLSearchParams(Object.entries({ words, package: name, version, severity, kind }).filter(([, value]) => value !== ""));
  history.replaceState(null, "", `${location.pathname}${asked.size ? `?${asked}` : ""}`);
};

for (const [name, value] of new URLSearchParams(location.search)) if (field(name)?.form === form) field(name).value = value;
offerVersions(field("package").value);
form.querySelector("fieldset").disabled = false;
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", (event) => {
  if (event.target.id === "package") offerVersions(event.target.value);
  show();
});
form.addEventListener("reset", () => setTimeout(show));
if (location.search) show();
