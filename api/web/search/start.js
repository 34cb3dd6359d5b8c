// The start page of a search: the ways to search, and some items to start from.
import { catalogPicture } from "../catalog_picture.js";
import { fill, h } from "../dom.js";
import { titleOf } from "../item_fields.js";
import { busy, empty, isAbort, problemNotice } from "../notices.js";

const SHOWN = 36;

// `pick(shown)` is called with the chosen item.
export function startWall(context, collection, hasWords, pick) {
  const wall = h("div", { class: "wall-room" }, busy("Loading items"));
  load(context, collection, wall, pick);
  const ways = hasWords ? "Drop or paste a picture anywhere, paste its URL, type words" : "Drop or paste a picture anywhere, paste its URL";
  return h("div", {}, h("p", { class: "ways soft" }, `${ways}, or start from one of these.`), wall);
}

async function load(context, collection, wall, pick) {
  try {
    const path = `/v1/collections/${encodeURIComponent(collection)}/items`;
    const { items } = await context.api.get(path, { query: { limit: SHOWN }, signal: context.signal });
    if (items.length) fill(wall, h("ul", { class: "wall" }, items.map((item) => tile(context, collection, item, pick))));
    else fill(wall, empty("This collection is empty", "Its pictures appear here as they are embedded."));
  } catch (error) {
    if (!isAbort(error)) fill(wall, problemNotice(error));
  }
}

function tile(context, collection, item, pick) {
  const title = titleOf(item.fields, item.item_id);
  return h(
    "li",
    {},
    h("button", { class: "tile", type: "button", title, "aria-label": `More like ${title}`, onclick: () => pick(item) }, h("span", { class: "mat" }, catalogPicture(context, collection, item, ""))),
  );
}
