// Says what is gone, new and stays from one release to another. What lives where stands in the page itself.
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const [from, to] = ["from", "to"].map((name) => document.getElementById(name));
const answer = document.getElementById("answer");

const element = (name, ...children) => {
  const made = document.createElement(name);
  made.append(...children);
  return made;
};

const listed = (heading, found) => {
  const items = found.map(({ id, title, severity }) => {
    const link = element("a", `${id} ${title}`);
    link.href = `../matrix/${id}.html`;
    const tag = element("span", severity);
    tag.className = `tag ${severity}`;
    return element("li", tag, " ", link);
  });
  return [element("h3", `${heading}: ${found.length}`), ...(items.length ? [element("ul", ...items)] : [])];
};

const show = () => {
  const lives = (each, at) => each.intervals.some(([start, end]) => start <= at && at < end);
  const [before, after] = [from.selectedIndex, to.selectedIndex];
  const sorted = (first, second) => data.advisories.filter((each) => lives(each, before) === first && lives(each, after) === second);
  answer.replaceChildren(
    element("h2", `From ${from.value} to ${to.value}`),
    ...listed("Gone", sorted(true, false)),
    ...listed("New", sorted(false, true)),
    ...listed("Stays", sorted(true, true)),
  );
  history.replaceState(null, "", `${location.pathname}?${new URLSearchParams({ from: from.value, to: to.value })}`);
};

const asked = new URLSearchParams(location.search);
to.selectedIndex = to.options.length - 1;
for (const each of [from, to]) if (data.versions.includes(asked.get(each.id))) each.value = asked.get(each.id);
document.querySelector("#compare fieldset").disabled = false;
document.getElementById("compare").addEventListener("input", show);
if (asked.size) show();
