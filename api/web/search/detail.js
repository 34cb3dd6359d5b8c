// The drawer with one item: its pictures, its fields, and the origin of its vectors.
import { catalogPicture } from "../catalog_picture.js";
import { fill, h, isWebAddress } from "../dom.js";
import { icon } from "../icons.js";
import { linkOf, priceOf, shown, titleOf } from "../item_fields.js";
import { busy, isAbort, problemNotice } from "../notices.js";
import { counted, moment } from "../words.js";

const PROVENANCE = [
  ["job", "Job"],
  ["model", "Model"],
  ["revision", "Revision"],
  ["policy", "Image policy"],
  ["content_sha256", "SHA-256"],
  ["etag", "ETag"],
  ["embedded_at", "Embedded"],
];

// Opens the drawer; `on` has like(item_id) and steer(which, item_id).
export async function openDetail(context, collection, hit, on) {
  const body = h("div", { class: "drawer-body" }, busy("Loading the item"));
  const close = h("button", { class: "icon-button", type: "button", "aria-label": "Close", onclick: () => dialog.close() }, icon("close"));
  const title = h("h2", { id: "item-title" }, titleOf(hit.fields, hit.item_id));
  const dialog = h("dialog", { class: "drawer", "aria-labelledby": "item-title" }, h("div", { class: "drawer-head" }, title, close), body);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // a click outside the drawer
  });
  context.signal.addEventListener("abort", () => dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  const act = (what) => {
    dialog.close();
    what();
  };
  try {
    const path = `/v1/collections/${encodeURIComponent(collection)}/item`;
    const item = await context.api.get(path, { query: { id: hit.item_id }, signal: context.signal });
    fill(body, parts(context, item, on, act));
  } catch (error) {
    if (!isAbort(error)) fill(body, problemNotice(error));
  }
}

function parts(context, item, on, act) {
  const id = item.item_id;
  const price = priceOf(item.fields);
  const link = linkOf(item.fields);
  const big = h("div", { class: "mat big" });
  const show = (stored) => fill(big, catalogPicture(context, item.collection, { ...stored, item_id: id }, titleOf(item.fields, id), { loading: "eager" }));
  const provenance = h("dl", { class: "pairs" });
  const choose = (stored) => {
    show(stored);
    fill(provenance, provenanceOf(stored));
  };
  choose(item.pictures[0]);
  return [
    big,
    item.pictures.length > 1 && strip(context, item, choose),
    price && h("p", { class: "price number" }, price),
    h(
      "div",
      { class: "drawer-actions" },
      h("button", { class: "button primary", type: "button", onclick: () => act(() => on.like(id)) }, icon("like"), "Similar items"),
      h("button", { class: "button", type: "button", onclick: () => act(() => on.steer("like", id)) }, icon("plus"), "Plus"),
      h("button", { class: "button", type: "button", onclick: () => act(() => on.steer("unlike", id)) }, icon("minus"), "Minus"),
      link && h("a", { class: "button", href: link, target: "_blank", rel: "noreferrer noopener" }, "Product page"),
    ),
    h("h3", {}, "Fields"),
    h("dl", { class: "pairs" }, h("dt", {}, "Item"), h("dd", { class: "mono" }, id), Object.entries(item.fields).map(([name, value]) => [h("dt", {}, name), h("dd", {}, shown(value))])),
    h("h3", {}, "Vector details"),
    provenance,
  ];
}

function strip(context, item, choose) {
  const buttons = item.pictures.map((stored, place) =>
    h(
      "button",
      { type: "button", class: "strip-picture", "aria-label": `Picture ${place + 1} of ${counted(item.pictures.length, "picture")}`, onclick: () => choose(stored) },
      catalogPicture(context, item.collection, { ...stored, item_id: item.item_id }, ""),
    ),
  );
  return h("div", { class: "strip" }, buttons);
}

function provenanceOf({ image_url: url, provenance }) {
  const rows = PROVENANCE.filter(([name]) => provenance[name]).map(([name, label]) => [h("dt", {}, label), h("dd", { class: "mono" }, value(name, provenance[name]))]);
  const address = isWebAddress(url) ? h("a", { href: url, target: "_blank", rel: "noreferrer noopener" }, url) : url;
  return [h("dt", {}, "Picture"), h("dd", { class: "mono" }, address), rows];
}

function value(name, text) {
  if (name === "job") return h("a", { href: `#/jobs/${encodeURIComponent(text)}` }, text);
  return name === "embedded_at" ? moment(text) : text;
}
