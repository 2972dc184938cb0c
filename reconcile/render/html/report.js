"use strict";
// Searches and filters what the page has. Without it everything can be read and expanded.
const find = document.querySelector(".find");
const [search, kind, action] = ["search", "kind", "action"].map((id) => document.getElementById(id));
const count = document.getElementById("count");
const records = [...document.querySelectorAll(".record")];
const texts = records.map((record) => record.textContent.toLowerCase());
const lists = [...document.querySelectorAll("details")];
const parts = [...document.querySelectorAll("section, article, details")];

function show() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const all = !words.length && !kind.value && !action.value;
  let found = 0;
  records.forEach((record, place) => {
    const fits =
      words.every((word) => texts[place].includes(word)) &&
      (!kind.value || record.dataset.kind === kind.value) &&
      (!action.value || record.dataset.action === action.value);
    record.hidden = !fits;
    found += fits;
  });
  for (const part of parts) {
    part.hidden = !all && !part.querySelector(".record:not([hidden])");
  }
  for (const list of lists) list.open = !all && !list.hidden;
  const many = (number) => number.toLocaleString("en");
  count.textContent = all
    ? `${many(records.length)} records`
    : `${many(found)} of ${many(records.length)} records`;
}

for (const one of [search, kind, action]) one.addEventListener("input", show);
document.getElementById("expand").addEventListener("click", (event) => {
  const open = lists.some((list) => !list.hidden && !list.open);
  for (const list of lists) list.open = open;
  event.target.textContent = open ? "Collapse all" : "Expand all";
});
find.hidden = false;
show();
