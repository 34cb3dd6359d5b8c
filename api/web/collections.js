// The view Collections: all collections as cards, or one with its figures and its map. See main.js for the context.
import { catalogPicture } from "./catalog_picture.js";
import { collectionMap } from "./collections/map.js";
import { fill, h } from "./dom.js";
import { busy, empty, isAbort, problemNotice } from "./notices.js";
import { bytes, compact, count, counted, moment } from "./words.js";

export function mount(element, context) {
  const show = async ([name]) => {
    fill(element, name ? oneHead(name) : listHead(), busy("Loading"));
    try {
      if (name) await showOne(element, context, name);
      else await showAll(element, context);
    } catch (error) {
      if (!isAbort(error)) fill(element, name ? oneHead(name) : listHead(), problemNotice(error, () => show([name])));
    }
  };
  show(context.rest);
  return { update: ({ rest }) => show(rest) };
}

const listHead = () => h("div", { class: "view-head" }, h("h1", {}, "Collections"));

function oneHead(name, ...actions) {
  const back = h("p", { class: "small" }, h("a", { href: "#/collections" }, "All collections"));
  return h("div", { class: "view-head" }, h("div", {}, back, h("h1", {}, name)), h("div", { class: "head-actions" }, actions));
}

async function showAll(element, context) {
  const { api, signal } = context;
  const { collections } = await api.get("/v1/collections", { signal });
  const none = () => empty("No collections yet", "A collection is created when a job embeds its first picture.", h("a", { class: "button primary", href: "#/jobs" }, "Submit a catalog"));
  fill(element, listHead(), collections.length ? h("ul", { class: "collection-cards" }, collections.map((each) => card(context, each))) : none());
}

function card(context, { name, points, space, indexed_fields: fields }) {
  const strip = h("div", { class: "collection-strip", "aria-hidden": "true" });
  showSome(context, name, strip);
  return h(
    "li",
    { class: "card collection-card" },
    strip,
    h("h2", {}, h("a", { href: `#/collections/${encodeURIComponent(name)}` }, name)),
    h("p", { class: "figure number" }, compact(points), h("span", {}, points === 1 ? "picture" : "pictures")),
    h("p", { class: "soft small" }, `${space.model}, ${count(space.dimension)} dimensions`),
    h("p", { class: "soft small" }, counted(Object.keys(fields).length, "field"), " to filter by"),
  );
}

// Shows a few of the collection's pictures; if they fail to load, the card works without them.
async function showSome(context, name, strip) {
  try {
    const { items } = await context.api.get(`/v1/collections/${encodeURIComponent(name)}/items`, { query: { limit: 4 }, signal: context.signal });
    fill(strip, items.map((item) => h("span", { class: "mat" }, catalogPicture(context, name, item, ""))));
  } catch {
    strip.hidden = true;
  }
}

async function showOne(element, context, name) {
  const found = await context.api.get(`/v1/collections/${encodeURIComponent(name)}`, { signal: context.signal });
  const search = h("a", { class: "button primary", href: `#/search?${new URLSearchParams({ collection: name })}` }, `Search ${name}`);
  const map = collectionMap(context, name, found.points);
  fill(element, oneHead(name, search), h("div", { class: "collection-columns" }, map, figures(found)));
}

function figures({ name, generation, space, points, indexed_fields: fields, storage, index, last_job: job }) {
  return h(
    "aside",
    { class: "collection-figures", "aria-label": "Figures" },
    group("Pictures", [
      ["Embedded", count(points)],
      ["Items", `${storage.more_items ? "more than " : ""}${count(storage.items)}`],
      ["Storage", storageWords(storage)],
      ["Index", indexWords(index, points)],
    ]),
    group("Embedding space", [
      ["Model", h("span", { class: "mono" }, space.model)],
      ["Dimension", count(space.dimension)],
      ["Revision", h("span", { class: "mono" }, space.revision)],
      ["Image policy", h("span", { class: "mono" }, space.policy)],
      ["Alias", h("span", { class: "mono" }, name)],
      ["Internal name", h("span", { class: "mono" }, generation)],
    ]),
    group("Last job", job ? jobRows(job) : [["Job", "none among the latest jobs"]]),
    group("Fields", Object.entries(fields).map(([field, type]) => [field, TYPES[type] ?? type])),
  );
}

const TYPES = { keyword: "words", float: "numbers", integer: "numbers", bool: "yes or no" };

// A server does not report the size of its files, so only the vectors' bytes can be estimated.
function storageWords({ disk_bytes: disk, vector_bytes: vectors }) {
  if (disk === null) return `about ${bytes(vectors)} of vectors (estimate)`;
  return `${bytes(disk)} on disk, ${bytes(vectors)} of it vectors`;
}

function indexWords({ state, indexed }, points) {
  if (state === "deferred") return "deferred until the load ends";
  if (state === "building") return `building, ${count(indexed)} of ${count(points)}`;
  return indexed === 0 ? "not needed for so few pictures" : `complete, ${counted(indexed, "picture")}`;
}

function jobRows(job) {
  return [
    ["Job", h("a", { class: "mono", href: `#/jobs/${encodeURIComponent(job.id)}` }, job.id)],
    ["State", job.state.replaceAll("_", " ")],
    ["Submitted", moment(job.created_at)],
    ["Embedded", `${count(job.embedded)} of ${count(job.images)}`],
    ["Failed", count(job.failed)],
  ];
}

function group(title, rows) {
  const pairs = rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
  return h("section", {}, h("h2", {}, title), rows.length ? h("dl", { class: "pairs" }, pairs) : h("p", { class: "soft small" }, "none"));
}
