// The frame: shows the current view, the tools in the bar, and passes each view its context.
//
// A view is a module that exports `mount(element, context)`. The context is
//   api       the API (api.js)
//   navigate  navigate(view, { rest, query, replace }) goes to a place, like a link
//   rest      the path's parts after the view's name: ["3f2a…"] for #/jobs/3f2a…
//   query     URLSearchParams of the address
//   signal    aborted when the view is left: pass it to every request and listener
// The object that `mount` returns can have `update({ rest, query })`, called when only those change; without it the view
// is mounted again.
import { Api } from "./api.js";
import { format, parse } from "./address.js";
import { announce, fill, h } from "./dom.js";
import { healthLink } from "./health.js";
import { icon } from "./icons.js";
import { askForKey } from "./key_dialog.js";
import * as collections from "./collections.js";
import * as jobs from "./jobs.js";
import * as search from "./search.js";
import * as system from "./system.js";

const VIEWS = {
  search: { title: "Search", mount: search.mount },
  jobs: { title: "Jobs", mount: jobs.mount },
  collections: { title: "Collections", mount: collections.mount },
  system: { title: "System", mount: system.mount },
};

const main = document.getElementById("main");
const api = new Api(askForKey);
let shown = null; // { name, view, leave }

function navigate(view, { rest = [], query = {}, replace = false } = {}) {
  const hash = format(view, { rest, query });
  if (replace) window.history.replaceState(null, "", hash);
  else window.history.pushState(null, "", hash);
  show();
}

function show() {
  const place = parse(window.location.hash);
  const name = place.view in VIEWS ? place.view : "search";
  if (shown?.name === name && shown.view?.update) shown.view.update(place);
  else enter(name, place);
}

function enter(name, { rest, query }) {
  const moved = shown !== null && shown.name !== name;
  shown?.leave.abort();
  const leave = new AbortController();
  const room = h("div", { class: `view ${name}-view` });
  fill(main, room);
  shown = { name, leave, view: null };
  shown.view = VIEWS[name].mount(room, { api, navigate, rest, query, signal: leave.signal });
  document.title = `${VIEWS[name].title} · vitrine`;
  mark(name);
  if (!moved) return;
  // Scroll to the top, and announce the new view to screen readers.
  window.scrollTo(0, 0);
  main.focus({ preventScroll: true });
  announce(VIEWS[name].title);
}

function mark(name) {
  for (const link of document.querySelectorAll(".views a")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function fillBar() {
  const links = Object.entries(VIEWS).map(([name, { title }]) =>
    h("a", { href: `#/${name}`, dataset: { view: name } }, icon(name), title),
  );
  fill(document.querySelector(".views"), links);
  fill(document.querySelector(".tools"), healthLink(api), keyButton(), themeButton());
}

function keyButton() {
  const change = async () => {
    const key = await askForKey(null);
    if (!key) return;
    api.setKey(key);
    shown.view = null; // mount the view again, so that everything is loaded with the new key
    show();
  };
  return h("button", { class: "icon-button", type: "button", title: "API key", "aria-label": "API key", onclick: change }, icon("key"));
}

function themeButton() {
  const theme = window.vitrineTheme;
  const button = h("button", { class: "icon-button", type: "button", onclick: () => theme.toggle() });
  const draw = () => {
    const other = theme.isDark() ? "light" : "dark";
    fill(button, icon(theme.isDark() ? "sun" : "moon"));
    button.title = `Switch to ${other}`;
    button.setAttribute("aria-label", button.title);
  };
  window.addEventListener("themechange", draw);
  draw();
  return button;
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the hash is the current place, which a jump must not change
  main.focus();
});
window.addEventListener("popstate", show);
fillBar();
show();
