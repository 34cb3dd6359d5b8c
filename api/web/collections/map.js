// A collection as a map: similar pictures are close together. Points are coloured by a field; the one under the pointer
// shows its picture. Keyboard users move from point to point, and screen readers announce each.
import { catalogPicture } from "../catalog_picture.js";
import { announce, fill, h } from "../dom.js";
import { priceOf, shown, titleOf } from "../item_fields.js";
import { colouring } from "./map_colours.js";
import { scatter } from "./map_scatter.js";
import { busy, empty, isAbort, problemNotice } from "../notices.js";
import { openDetail } from "../search/detail.js";
import { asked, fromAddress, toAddress } from "../search/query.js";
import { count } from "../words.js";

const ASK_AGAIN_MS = 900;

export function collectionMap(context, name, pictures) {
  const body = h("div", { class: "map-body" }, busy("Loading the map"));
  const room = h("section", { class: "map card", "aria-label": "Map of the collection" }, body);
  if (pictures === 0) fill(body, empty("No pictures yet", "The map appears once pictures are embedded."));
  else follow(context, name, body);
  return room;
}

async function follow(context, name, body) {
  const { api, signal } = context;
  try {
    let map = await api.get(`/v1/collections/${encodeURIComponent(name)}/map`, { signal });
    while (map.state === "computing") {
      fill(body, busy(`Drawing the map of ${count(map.pictures)} pictures; the first time takes a few seconds`));
      await pause(ASK_AGAIN_MS, signal);
      map = await api.get(`/v1/collections/${encodeURIComponent(name)}/map`, { signal });
    }
    draw(context, name, map, body);
  } catch (error) {
    if (!isAbort(error)) fill(body, problemNotice(error, () => follow(context, name, body)));
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = window.setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      window.clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

function draw(context, name, map, body) {
  const legend = h("div", { class: "map-legend" });
  const hover = h("div", { class: "map-hover", hidden: true });
  const like = (id) => context.navigate("search", { query: toAddress(asked(fromAddress(new URLSearchParams({ collection: name })), { item: id })) });
  const steer = (which, id) => context.navigate("search", { query: toAddress({ ...asked(fromAddress(new URLSearchParams({ collection: name })), { [which]: [id] }) }) });
  const plot = scatter(map.points, {
    signal: context.signal,
    over: (point, place) => showHover(context, name, hover, point, place),
    pick: (point) => openDetail(context, name, point, { like, steer }),
  });
  const choice = h("select", { class: "field", id: "map-field" }, h("option", { value: "" }, "nothing"), fieldsOf(map).map((field) => h("option", { value: field }, field)));
  const colour = () => {
    const { colours, legend: parts } = colouring(map.points, choice.value);
    plot.paint(colours);
    fill(legend, parts.map(({ colour: swatch, text, pictures }) => legendRow(swatch, text, pictures)));
  };
  choice.addEventListener("change", colour);
  choice.value = bestField(map);
  const partial = map.points.length < map.pictures ? `${count(map.points.length)} of ${count(map.pictures)} pictures, sampled evenly` : `${count(map.points.length)} pictures`;
  fill(
    body,
    h("div", { class: "map-head" }, h("p", { class: "soft small" }, `${partial}. Similar pictures are close together.`), h("label", { class: "map-choice small" }, "Colour by ", choice)),
    h("div", { class: "map-stage" }, plot.element, hover),
    legend,
  );
  window.addEventListener("themechange", colour, { signal: context.signal });
  colour();
  announce("The map is drawn");
}

// Fields with several values, but not a different one for each picture; numbers are always included.
function fieldsOf({ fields, points }) {
  return fields.filter((field) => {
    const values = new Set(points.map((point) => String(point.fields[field] ?? "")));
    return values.size > 1 && (values.size < points.length * 0.6 || typeof points.find((point) => field in point.fields)?.fields[field] === "number");
  });
}

// The initial choice: the text field whose number of values is closest to eight.
function bestField(map) {
  const sizes = fieldsOf(map).map((field) => [field, new Set(map.points.map((point) => String(point.fields[field] ?? ""))).size]);
  const words = sizes.filter(([field, size]) => size >= 2 && map.points.some((point) => typeof point.fields[field] === "string"));
  return (words.sort((one, other) => Math.abs(one[1] - 8) - Math.abs(other[1] - 8))[0] ?? [""])[0];
}

function legendRow(swatch, text, pictures) {
  const dot = h("span", { class: "dot" });
  dot.style.background = swatch;
  return h("span", { class: "legend-entry" }, dot, h("span", { class: "clip" }, shown(text)), h("span", { class: "soft number" }, count(pictures)));
}

function showHover(context, name, hover, point, place) {
  hover.hidden = point === null;
  if (point === null) return;
  hover.style.left = `${place.x}px`;
  hover.style.top = `${place.y}px`;
  hover.classList.toggle("to-left", place.x > place.width / 2);
  hover.classList.toggle("above", place.y > place.height / 2);
  const price = priceOf(point.fields);
  fill(hover, h("div", { class: "mat" }, catalogPicture(context, name, point, "", { loading: "eager" })), h("p", { class: "small" }, titleOf(point.fields, point.item_id)), price && h("p", { class: "small soft number" }, price));
}
