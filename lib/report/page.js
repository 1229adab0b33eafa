// What the page does when somebody uses it. Without it everything is there, one below the other.

const find = (selector, within = document) => within.querySelector(selector);
const findAll = (selector, within = document) => [...within.querySelectorAll(selector)];

const views = findAll(".view");
const search = find("#search");
const stage = find(".stage");
const svg = find(".stage svg");
const panel = find("#panel");
const current = () => views.find((view) => !view.hidden);

// One view at a time, by the part of the address behind #: a view, a migration, a table, or a table
// in the diagram.

function show() {
  const place = document.getElementById(location.hash.slice(1)) ?? views[0];
  const view = place.closest(".view") ?? (place.id === "main" ? current() : undefined) ?? views[0];
  const isOther = view !== current();
  for (const one of views) one.hidden = one !== view;
  for (const link of findAll("nav a")) {
    if (link.hash === `#${view.id}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  filter();
  if (view.id === "diagram") choose(place.dataset.id, isOther);
  else if (place === view) scrollTo(0, 0);
  else {
    place.hidden = false;
    if (place.matches("details")) {
      place.open = true;
      find("summary", place).focus({ preventScroll: true });
    }
    place.scrollIntoView();
  }
}

// The search looks through what can be seen: it hides items of lists, and dims tables of the diagram.

const texts = new WeakMap();

function textOf(item) {
  if (!texts.has(item)) texts.set(item, item.textContent.toLowerCase());
  return texts.get(item);
}

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const has = (text) => words.every((word) => text.includes(word));
  const view = current();
  let found = 0;
  let total = 0;
  if (view.id === "diagram") {
    const boxes = findAll(".boxes a", svg);
    for (const box of boxes) {
      const table = document.getElementById(box.getAttribute("href").slice(1));
      const isFound = words.length === 0 || has(box.dataset.id.toLowerCase()) ||
        findAll(".columns td:first-child", table).some(({ textContent }) =>
          has(textContent.toLowerCase())
        );
      box.classList.toggle("faint", !isFound);
      found += isFound;
    }
    for (const line of findAll(".lines path", svg)) {
      line.classList.toggle("faint", words.length > 0);
    }
    total = boxes.length;
  } else {
    const items = findAll("[data-item]", view)
      .filter((item) => !item.parentElement.closest("[data-item]"));
    for (const item of items) {
      item.hidden = !has(textOf(item));
      found += !item.hidden;
    }
    total = items.length;
  }
  find("#found").textContent = words.length === 0 ? "" : `${found} of ${total}`;
}

search.addEventListener("input", filter);
search.addEventListener("keydown", ({ key }) => {
  if (key === "Escape") {
    search.value = "";
    filter();
  } else if (key === "Enter" && current().id === "diagram") {
    const box = find(".boxes a:not(.faint)", svg);
    if (box !== null) location.hash = box.id;
  }
});
addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.matches("input")) return;
  event.preventDefault();
  search.focus();
});

// Light or dark: as the system has it until somebody says otherwise.

find("#theme").addEventListener("click", () => {
  const { dataset } = document.documentElement;
  const dark = dataset.theme === undefined
    ? matchMedia("(prefers-color-scheme: dark)").matches
    : dataset.theme === "dark";
  dataset.theme = dark ? "light" : "dark";
});

// Times in the time zone of who reads them.

for (const time of findAll("time")) {
  time.title = new Date(time.dateTime).toString();
}

// SQL is coloured when it is opened: comments, texts, words of the language.

const SQL =
  /(--[^\n]*|\/\*[^]*?\*\/)|('(?:[^']|'')*'|\$\w*\$)|"[^"]*"|\b(add|after|all|alter|always|and|as|asc|before|begin|between|by|cascade|case|cast|check|column|comment|commit|constraint|create|cross|current_setting|declare|default|deferrable|definer|delete|desc|distinct|do|domain|drop|each|else|elsif|enable|end|enum|except|exception|exclude|execute|exists|extension|false|for|force|foreign|from|full|function|generated|grant|group|having|identity|if|immutable|in|index|initially|inner|insert|instead|into|invoker|is|join|key|language|lateral|left|level|like|limit|loop|materialized|new|not|null|old|on|only|or|order|owner|partition|policy|primary|procedure|publication|raise|recursive|references|rename|replace|reset|restrict|return|returning|returns|revoke|right|role|row|rows|schema|security|select|sequence|set|stable|strict|table|then|to|trigger|true|truncate|type|union|unique|update|using|values|view|volatile|when|where|while|with)\b/gi;

function paint(pre) {
  const code = find("code", pre);
  if (code.childElementCount > 0) return;
  const text = code.textContent;
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(SQL)) {
    const kind = match[1] ? "c" : match[2] ? "s" : match[3] ? "k" : "";
    if (kind === "") continue;
    const span = document.createElement("span");
    span.className = kind;
    span.textContent = match[0];
    parts.push(text.slice(from, match.index), span);
    from = match.index + match[0].length;
  }
  code.replaceChildren(...parts, text.slice(from));
}

// `toggle` does not rise to the elements around it.
document.addEventListener("toggle", ({ target }) => {
  if (!target.open) return;
  for (const pre of findAll(".sql", target)) if (pre.checkVisibility()) paint(pre);
}, true);

// The diagram: what is seen of it is its viewBox.

const whole = svg.viewBox.baseVal;
const drawn = { width: whole.width, height: whole.height };
let seen;

function look(x, y, width) {
  const { clientWidth, clientHeight } = stage;
  const height = width * clientHeight / clientWidth;
  seen = { x, y, width, height };
  svg.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
}

function lookAtAll() {
  const { clientWidth, clientHeight } = stage;
  // Not larger than it was drawn for.
  const width = Math.max(
    clientWidth / 1.25,
    drawn.width,
    drawn.height * clientWidth / clientHeight,
  );
  const height = width * clientHeight / clientWidth;
  look((drawn.width - width) / 2, (drawn.height - height) / 2, width);
}

/** Zooms so that a point of the stage stays where it is. */
function zoom(factor, left = stage.clientWidth / 2, top = stage.clientHeight / 2) {
  const { clientWidth, clientHeight } = stage;
  const width = Math.min(
    Math.max(seen.width * factor, 150),
    4 * Math.max(drawn.width, clientWidth),
  );
  const share = width / seen.width;
  const [x, y] = [seen.width * left / clientWidth, seen.height * top / clientHeight];
  look(seen.x + x * (1 - share), seen.y + y * (1 - share), width);
}

function move(left, top) {
  const scale = seen.width / stage.clientWidth;
  look(seen.x - left * scale, seen.y - top * scale, seen.width);
}

/** Shows a table beside the diagram, and what it has to do with others in it. */
function choose(id, isNew) {
  const box = id === undefined
    ? undefined
    : findAll(".boxes a", svg).find(({ dataset }) => dataset.id === id);
  const lines = findAll(".lines path", svg);
  const near = new Set();
  for (const line of lines) {
    const { from, to } = line.dataset;
    const isNear = box !== undefined && (from === id || to === id);
    line.classList.toggle("near", isNear);
    if (isNear) near.add(from).add(to);
  }
  for (const one of findAll(".boxes a", svg)) {
    one.classList.toggle("chosen", one === box);
    one.classList.toggle("near", one !== box && near.has(one.dataset.id));
  }
  const widthBefore = stage.clientWidth;
  panel.replaceChildren();
  if (box !== undefined) fillPanel(id);
  if (isNew || seen === undefined) lookAtAll();
  else if (stage.clientWidth !== widthBefore) {
    look(seen.x, seen.y, seen.width * stage.clientWidth / widthBefore);
  }
  if (box !== undefined) bringIntoSight(box);
}

function fillPanel(id) {
  const table = findAll("#tables [data-table]").find(({ dataset }) => dataset.table === id);
  const title = document.createElement("div");
  title.className = "panel-title";
  const name = document.createElement("h2");
  name.textContent = find(".name", table).textContent;
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "×";
  close.setAttribute("aria-label", "Close");
  close.addEventListener("click", () => location.hash = "diagram");
  title.append(name, close);
  const facts = document.createElement("p");
  facts.append(
    ...findAll(":scope > summary .badge, :scope > summary .facts", table).map((part) =>
      part.cloneNode(true)
    ),
  );
  panel.append(title, facts, ...[...find(".body", table).cloneNode(true).childNodes]);
  // Links to tables stay in the diagram.
  for (const link of findAll('a[href^="#table/"]', panel)) {
    const there = link.getAttribute("href").replace("#table/", "diagram/");
    if (document.getElementById(there) !== null) link.setAttribute("href", `#${there}`);
  }
  panel.scrollTop = 0;
}

/** How large letters are to be at least, by how large they are drawn. */
const READABLE = 0.8;

/** Shows a table where it can be read, with as much around it as there is. */
function bringIntoSight(box) {
  if (stage.clientWidth / seen.width < READABLE) zoom(stage.clientWidth / seen.width);
  const [a, b] = [box.getBoundingClientRect(), stage.getBoundingClientRect()];
  const isIn = a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;
  if (isIn) return;
  move((b.left + b.right - a.left - a.right) / 2, (b.top + b.bottom - a.top - a.bottom) / 2);
  // Not beyond the edges of the diagram, unless it is smaller than the stage.
  const within = (from, length, all) =>
    length > all ? (all - length) / 2 : Math.min(Math.max(from, 0), all - length);
  const { x, y, width, height } = seen;
  look(within(x, width, drawn.width), within(y, height, drawn.height), width);
}

for (const box of findAll(".boxes a", svg)) {
  box.addEventListener("click", (event) => {
    event.preventDefault();
    if (!hasMoved) location.hash = box.id;
  });
  // A table that is pointed at stays under the pointer until the click.
  box.addEventListener("focus", () => {
    if (seen !== undefined && box.matches(":focus-visible")) bringIntoSight(box);
  });
  box.addEventListener("dragstart", (event) => event.preventDefault());
}

stage.addEventListener("wheel", (event) => {
  event.preventDefault();
  const { left, top } = stage.getBoundingClientRect();
  zoom(
    Math.exp(Math.max(-60, Math.min(60, event.deltaY)) / 250),
    event.clientX - left,
    event.clientY - top,
  );
}, { passive: false });

let hasMoved = false;
const fingers = new Map();
stage.addEventListener("pointerdown", (event) => {
  hasMoved = false;
  fingers.set(event.pointerId, event);
});
addEventListener("pointermove", (event) => {
  const before = fingers.get(event.pointerId);
  if (before === undefined) return;
  const [left, top] = [event.clientX - before.clientX, event.clientY - before.clientY];
  if (!hasMoved && Math.hypot(left, top) < 4) return;
  hasMoved = true;
  stage.classList.add("moving");
  if (fingers.size === 1) move(left, top);
  else {
    const [other] = [...fingers.values()].filter(({ pointerId }) => pointerId !== event.pointerId);
    const distance = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    zoom(distance(before) / Math.max(1, distance(event)));
  }
  fingers.set(event.pointerId, event);
});
for (const end of ["pointerup", "pointercancel"]) {
  addEventListener(end, ({ pointerId }) => {
    fingers.delete(pointerId);
    stage.classList.remove("moving");
  });
}

const KEYS = {
  "+": () => zoom(0.8),
  "=": () => zoom(0.8),
  "-": () => zoom(1.25),
  "0": lookAtAll,
  ArrowLeft: () => move(60, 0),
  ArrowRight: () => move(-60, 0),
  ArrowUp: () => move(0, 60),
  ArrowDown: () => move(0, -60),
};
stage.addEventListener("keydown", (event) => {
  const act = KEYS[event.key];
  if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  act();
});
const ZOOMS = { in: () => zoom(0.8), out: () => zoom(1.25), all: lookAtAll };
for (const button of findAll("[data-zoom]")) {
  button.addEventListener("click", ZOOMS[button.dataset.zoom]);
}
addEventListener("resize", () => current().id === "diagram" && lookAtAll());
addEventListener("keydown", ({ key }) => {
  if (key === "Escape" && location.hash.startsWith("#diagram/")) location.hash = "diagram";
});
addEventListener("hashchange", show);
show();
