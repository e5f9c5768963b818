"use strict";
// One example after the other, decided by keyboard. All text is set as text, never as markup.
const deck = JSON.parse(document.getElementById("deck").textContent);
const at = (id) => document.getElementById(id);
const reviewing = deck.task === "review";
const OPEN = ["", ""];
const CHOICES = [
  ["right", "Right", "y"],
  ["wrong", "Wrong …", "w"],
  ...(reviewing ? [["network", "Network is right", "n"], ["remove", "Remove", "r"], ["unsure", "Unsure", "u"]]
    : [["unsure", "Skip", "s"]]),
];
const SORTS = { suspicion: "most suspect", weight: "least weight", probability: "least probable", id: "by id" };

function element(tag, text = "", attributes = {}) {
  const made = Object.assign(document.createElement(tag), { textContent: text });
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// Decisions by id: [decision, label]. Those of the file of decisions so far lie below the browser's.
const decisions = new Map();
let kept = true;
function loadDecisions() {
  deck.ids.forEach((id, i) => { if (deck.decided[i]) decisions.set(id, deck.decided[i]); });
  try {
    for (const [id, ...decision] of JSON.parse(localStorage.getItem(deck.key)) ?? []) decisions.set(id, decision);
  } catch { kept = false; }
}
function saveDecisions() {
  try {
    localStorage.setItem(deck.key, JSON.stringify([...decisions].map(([id, decision]) => [id, ...decision])));
    kept = true;
  } catch { kept = false; }
  if (!kept) say("This browser keeps no decisions: download them before you leave.");
}
const decisionOf = (i) => decisions.get(deck.ids[i]) ?? OPEN;
const isOpen = (i) => decisionOf(i)[0] === "";
const say = (text) => { at("said").textContent = text; };

const suspected = (i) => deck.agreement[i] > 0;

// Progress: examples with right labels by class, or decisions by kind.
const bars = [];
function addBar(name, most) {
  const line = at("progress").appendChild(element("li"));
  const count = element("span");
  const bar = element("progress", "", { max: most, "aria-label": name });
  line.append(element("span", name, { title: name }), bar, count);
  count.style.flex = "none";
  bars.push((value) => { bar.value = value; count.textContent = `${value} of ${most}`; });
}
function counts() {
  if (reviewing) {
    const decided = deck.ids.map((_, i) => i).filter((i) => !isOpen(i));
    return [decided.filter(suspected).length, decided.length];
  }
  const found = [...deck.have];
  const places = new Map(deck.classes.map((name, k) => [name, k]));
  for (const [decision, label] of decisions.values())
    if (decision === "right" || decision === "wrong") found[places.get(label)] += 1;
  return found;
}
let done = [];
function showProgress() {
  done = counts();
  done.forEach((value, k) => bars[k](value));
}
// Nobody need look at more examples of a class that has enough.
const wanted = (i) => isOpen(i) && (reviewing || done[deck.given[i]] < deck.need);

// Pictures and rows lie in chunks, which are read when they come into sight.
const chunks = [...document.querySelectorAll("script.shown")];
const read = new Map();
function shown(i) {
  const chunk = Math.floor(i / deck.chunk);
  if (!read.has(chunk)) {
    if (read.size > 40) read.clear();
    read.set(chunk, JSON.parse(chunks[chunk].textContent));
  }
  return read.get(chunk)[i % deck.chunk];
}
function picture(i) {
  const image = element("img", "", { alt: deck.ids[i], decoding: "async" });
  image.onload = () => image.classList.toggle("pixels", image.naturalWidth <= 64);
  image.src = shown(i);
  return image;
}

// The order of what is shown, and where we are in it.
let order = [];
let place = 0;
function arrange(keep) {
  const only = at("class").value, state = at("state").value, sort = at("sort").value;
  order = deck.ids.map((_, i) => i).filter((i) => (only === "" || deck.given[i] === Number(only))
    && (state === "all" || isOpen(i) === (state === "open")));
  if (sort === "id") order.sort((a, b) => (deck.ids[a] < deck.ids[b] ? -1 : 1));
  else if (sort && sort !== "suspicion") order.sort((a, b) => (deck[sort][a] ?? 1e9) - (deck[sort][b] ?? 1e9));
  place = Math.max(0, order.indexOf(keep));
  for (const tile of tiles.values()) tile.remove();
  tiles.clear();
  show();
}

// The grid holds the tiles in sight alone.
const grid = at("grid"), field = at("tiles"), tiles = new Map();
const WIDTH = 120, HEIGHT = 152;
const columns = () => Math.max(1, Math.floor(field.clientWidth / WIDTH));
function showTiles() {
  const across = columns();
  field.style.height = `${Math.ceil(order.length / across) * HEIGHT}px`;
  const first = Math.max(0, Math.floor(grid.scrollTop / HEIGHT) - 1) * across;
  const last = Math.min(order.length, (Math.ceil((grid.scrollTop + grid.clientHeight) / HEIGHT) + 1) * across);
  for (const [i, tile] of tiles) {
    const spot = Number(tile.dataset.spot);
    if (spot < first || spot >= last) { tile.remove(); tiles.delete(i); }
  }
  for (let spot = first; spot < last; spot += 1) {
    const i = order[spot];
    if (!tiles.has(i)) tiles.set(i, field.appendChild(newTile(i)));
    dress(tiles.get(i), i, spot, across);
  }
}
function newTile(i) {
  const tile = element("button", "", { type: "button", tabindex: "-1" });
  const seen = shown(i);
  tile.append(typeof seen === "string" ? picture(i)
    : element("span", Object.entries(seen).map(([k, v]) => `${k} ${v}`).join("\n"), { class: "cells" }));
  tile.append(element("span"), element("span", "", { class: "soft" }));
  tile.onclick = () => go(Number(tile.dataset.spot));
  return tile;
}
function dress(tile, i, spot, across) {
  const [decision, label] = decisionOf(i), given = deck.classes[deck.given[i]];
  tile.dataset.spot = spot;
  tile.style.transform = `translate(${(spot % across) * WIDTH}px, ${Math.floor(spot / across) * HEIGHT}px)`;
  tile.className = `tile ${decision}`;
  tile.setAttribute("aria-current", spot === place);
  const lines = tile.querySelectorAll(":scope > span:not(.cells)");
  lines[0].textContent = given;
  lines[1].textContent = told(decision, label) || (reviewing ? `network: ${deck.classes[deck.network[i]]}` : "");
  tile.setAttribute("aria-label", `${spot + 1} of ${order.length}: ${deck.ids[i]}, labelled ${given}, ${lines[1].textContent || "to decide"}`);
}
const told = (decision, label) => (decision === "wrong" ? `→ ${label}` : decision && (decision === "unsure" && !reviewing ? "skipped" : decision));

function showOne() {
  const i = order[place];
  const about = at("about");
  at("one").className = i === undefined ? "" : decisionOf(i)[0];
  at("picture").replaceChildren();
  about.replaceChildren();
  at("choices").hidden = at("classes").hidden = i === undefined;
  if (i === undefined) { about.append(element("dt", "Nothing is left here.")); return; }
  const seen = shown(i);
  if (typeof seen === "string") at("picture").append(picture(i));
  else {
    const table = element("table");
    for (const [column, value] of Object.entries(seen)) {
      const row = table.insertRow();
      row.append(element("th", column, { scope: "row" }), element("td", value));
    }
    at("picture").append(table);
  }
  const add = (name, value, big) => about.append(element("dt", name), element("dd", value, big ? { class: "big" } : {}));
  add("Labelled", deck.classes[deck.given[i]], true);
  if (reviewing) {
    add("Network", `${deck.classes[deck.network[i]]} (${(100 * deck.certainty[i]).toFixed(0)} %)`, true);
    add("Its label", `${(100 * deck.probability[i]).toFixed(1)} % probable`);
    add("Weight", deck.weight[i] === null ? "never seen" : `${deck.weight[i].toFixed(2)} (1 is average)`);
    add("Suspected by", deck.detectors.filter((_, k) => deck.agreement[i] & (1 << k)).join(", ") || "none");
  }
  const [decision, label] = decisionOf(i);
  if (decision) add("Decided", told(decision, label));
  add("Example", `${deck.ids[i]} (${place + 1} of ${order.length})`);
  at("question").textContent = `Is it ${deck.classes[deck.given[i]]}? If not, what is it?`;
  showClasses();
}
// Classes that are called by a digit are chosen by it, others by their place in the list.
const byDigit = deck.classes.every((name) => /^[0-9]$/.test(name));
const keyOf = (k, spot) => (byDigit ? deck.classes[k] : `${(spot + 1) % 10}`);
function matches() {
  const text = at("search").value.toLowerCase();
  const found = deck.classes.map((name, k) => k).filter((k) => deck.classes[k].toLowerCase().includes(text));
  const starts = (k) => !deck.classes[k].toLowerCase().startsWith(text);
  return found.sort((a, b) => starts(a) - starts(b)).slice(0, 10);
}
function showClasses() {
  const i = order[place];
  at("classes").replaceChildren(...matches().map((k, spot) => {
    const button = element("button", "", { type: "button", class: k === deck.given[i] ? "given" : "" });
    button.append(element("kbd", keyOf(k, spot)), ...(byDigit ? [] : [` ${deck.classes[k]}`]));
    button.onclick = () => decideClass(k);
    return button;
  }));
}
function show() { showProgress(); showOne(); showTiles(); }
function inSight() {
  const top = Math.floor(place / columns()) * HEIGHT;
  if (top < grid.scrollTop || top + HEIGHT > grid.scrollTop + grid.clientHeight)
    grid.scrollTop = top - (grid.clientHeight - HEIGHT) / 2;
}
function go(spot) {
  if (!order.length) return;
  place = Math.max(0, Math.min(order.length - 1, spot));
  at("search").value = "";
  showOne(); inSight(); showTiles();
}

const past = [];
function decide(decision, label) {
  const i = order[place];
  if (i === undefined) return;
  past.push(i);
  const given = deck.classes[deck.given[i]];
  decisions.set(deck.ids[i], [decision, decision === "right" ? given : decision === "wrong" ? label : ""]);
  saveDecisions();
  showProgress();
  if (kept) say(`${deck.ids[i]}: ${told(...decisionOf(i))}`);
  const next = nextWanted();
  if (next === undefined && kept) say(finished());
  go(next ?? place);
}
function undo() {
  const last = past.pop() ?? order[place];
  if (last === undefined) return;
  decisions.set(deck.ids[last], OPEN);
  saveDecisions();
  if (kept) say(`${deck.ids[last]}: to decide again`);
  showProgress();
  go(Math.max(0, order.indexOf(last)));
}
function nextWanted() {
  for (let step = 1; step < order.length; step += 1) {
    const spot = (place + step) % order.length;
    if (wanted(order[spot])) return spot;
  }
  return undefined;
}
function finished() {
  if (reviewing) return "Everything here is decided: download the file.";
  const few = deck.classes.filter((_, k) => done[k] < deck.need);
  return few.length ? `No more examples of ${few.join(", ")}: write a page with more spares.`
    : "Every class has enough: download the file.";
}
const decideClass = (k) => (k === deck.given[order[place]] ? decide("right") : decide("wrong", deck.classes[k]));
function choose(choice) {
  if (choice === "wrong") { at("search").hidden ? say("Press the number of the right class.") : at("search").focus(); }
  else if (choice === "network") decideClass(deck.network[order[place]]);
  else decide(choice);
}

// The file: the examples with right labels, or all decisions.
const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
function csv() {
  const rows = [...decisions].filter(([, [decision]]) => reviewing ? decision : decision === "right" || decision === "wrong")
    .map(([id, [decision, label]]) => (reviewing ? [id, decision, label] : [id, label]));
  return [deck.columns, ...deck.listed, ...rows].map((row) => `${row.map(cell).join(",")}\n`).join("");
}
function download() {
  const link = element("a", "", { download: deck.file });
  link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const on = event.target, key = event.key;
  if (on === at("search")) {
    if (key === "Enter" && matches().length) { on.blur(); decideClass(matches()[0]); }
    else if (key === "Escape") { on.value = ""; on.blur(); showClasses(); }
    else return;
  } else if (on.closest("select, summary") || (key === "Enter" && on.closest("button:not(.tile)"))) return;
  else if (key === "ArrowRight") go(place + 1);
  else if (key === "ArrowLeft") go(place - 1);
  else if (key === "ArrowDown") go(place + columns());
  else if (key === "ArrowUp") go(place - columns());
  else if (key === "Backspace") undo();
  else if (key === "Enter") decide("right");
  else if (/^[0-9]$/.test(key)) {
    const k = matches().find((one, spot) => keyOf(one, spot) === key);
    if (k === undefined) return;
    decideClass(k);
  } else {
    const choice = CHOICES.find(([, , letter]) => letter === key);
    if (!choice) return;
    choose(choice[0]);
  }
  event.preventDefault();
}

function begin() {
  loadDecisions();
  at("how").open = decisions.size === 0;
  if (reviewing) {
    addBar("suspects", deck.ids.filter((_, i) => suspected(i)).length);
    addBar("all", deck.ids.length);
  }
  else deck.classes.forEach((name) => addBar(name, deck.need));
  for (const [choice, name, key] of CHOICES) {
    const button = element("button", `${name} `, { type: "button" });
    button.append(element("kbd", key));
    button.onclick = () => choose(choice);
    at("choices").append(button);
  }
  const sizes = new Map();
  for (const k of deck.given) sizes.set(k, (sizes.get(k) ?? 0) + 1);
  at("class").append(element("option", "all", { value: "" }));
  deck.classes.forEach((name, k) => at("class").append(element("option", `${name} (${sizes.get(k) ?? 0})`, { value: k })));
  if (reviewing) for (const [name, text] of Object.entries(SORTS)) at("sort").append(element("option", text, { value: name }));
  at("search").hidden = deck.classes.length <= 10;
  at("search").oninput = showClasses;
  for (const id of ["class", "state", "sort"]) at(id).onchange = () => { grid.scrollTop = 0; arrange(order[place]); };
  let waiting = false;
  const later = () => { if (!waiting) { waiting = true; requestAnimationFrame(() => { waiting = false; showTiles(); }); } };
  grid.addEventListener("scroll", later, { passive: true });
  addEventListener("resize", later);
  addEventListener("keydown", pressed);
  addEventListener("beforeunload", (event) => { if (!kept && decisions.size) event.preventDefault(); });
  at("download").onclick = download;
  arrange(0);
  const first = order.findIndex(wanted);
  go(Math.max(0, first));
}
begin();
