// The search box: words or a URL, the query picture, the collection, the plus and minus examples, and the options.
import { fill, h, isWebAddress, picture } from "../dom.js";
import { icon } from "../icons.js";
import { searchOptions } from "./options.js";
import { asked } from "./query.js";

// `on` has ask(query), bring(file) and crop(). `first` is the query until another is drawn; `draw(query, { collections,
// hasWords, preview })` shows one.
export function searchBox(on, first) {
  const words = h("input", { class: "field words", type: "search", id: "words", name: "words", autocomplete: "off", enterkeyhint: "search", maxlength: "4096" });
  const file = h("input", { type: "file", accept: "image/*", class: "visually-hidden", id: "picture-file", tabindex: "-1" });
  const choose = h("button", { class: "button", type: "button", onclick: () => file.click() }, icon("picture"), h("span", {}, "Picture"));
  const collection = h("select", { class: "field collection", id: "collection" });
  const asking = h("div", { class: "asking-picture", hidden: true });
  const steering = h("div", { class: "steering", hidden: true });
  const options = searchOptions(on.ask);
  const form = h(
    "form",
    { class: "search-box card", role: "search" },
    h("div", { class: "collection-row" }, h("label", { class: "visually-hidden", for: "collection" }, "Collection"), collection),
    asking,
    h("div", { class: "words-row" }, h("label", { class: "visually-hidden", for: "words" }, "Describe it, or paste a picture URL"), words),
    h("div", { class: "box-buttons" }, choose, file, h("label", { class: "visually-hidden", for: "picture-file" }, "Picture file"), h("button", { class: "button primary", type: "submit" }, icon("search"), "Search")),
    steering,
    options.room,
  );
  let query = first;
  let drawn = false;
  let typing = false;

  words.addEventListener("input", () => {
    typing = true;
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    typing = false;
    on.ask(typed(query, words.value.trim()));
  });
  collection.addEventListener("change", () => on.ask({ ...asked(query, { text: query.text, url: query.url }), collection: collection.value, filter: {} }));
  file.addEventListener("change", () => {
    if (file.files[0]) on.bring(file.files[0]);
    file.value = "";
  });

  function draw(next, { collections, hasWords, preview }) {
    query = next;
    fill(collection, collections.map(({ name }) => h("option", { value: name }, name)));
    collection.value = query.collection;
    if (drawn || !typing) words.value = query.text; // text typed before the first draw is kept
    drawn = true;
    words.placeholder = placeholder(query, hasWords);
    drawPicture(asking, query, preview, on);
    drawSteering(steering, query, on);
    options.draw(query);
  }
  return { form, draw, focus: () => words.focus() };
}

// Adds the typed text to the query: a URL replaces the picture, words are combined with it.
function typed(query, text) {
  if (isWebAddress(text)) return asked(query, { url: text });
  return { ...query, text };
}

function placeholder({ url, item, picture: brought }, hasWords) {
  if (!hasWords) return "Paste a picture URL";
  return url || item || brought ? "Add words to the picture" : "Describe it, or paste a picture URL";
}

function drawPicture(room, query, preview, on) {
  room.hidden = preview === null;
  if (preview === null) return;
  fill(
    room,
    preview.image,
    h("span", { class: "asking-name clip" }, preview.name),
    preview.canCrop && iconButton("crop", "Crop", on.crop),
    iconButton("close", "Remove picture", () => on.ask({ ...query, url: "", crop: null, item: "", picture: null })),
  );
}

function drawSteering(room, query, on) {
  const chips = (ids, name, sign) =>
    ids.map((id) =>
      h(
        "span",
        { class: `chip steer ${name}` },
        icon(sign),
        h("span", { class: "visually-hidden" }, name === "like" ? "More like" : "Less like"),
        h("span", { class: "clip" }, id),
        iconButton("close", `Remove ${id}`, () => on.ask({ ...query, [name]: query[name].filter((other) => other !== id) })),
      ),
    );
  const all = [...chips(query.like, "like", "plus"), ...chips(query.unlike, "unlike", "minus")];
  room.hidden = all.length === 0;
  fill(room, all);
}

export function iconButton(name, label, onclick, properties = {}) {
  return h("button", { class: "icon-button", type: "button", title: label, "aria-label": label, onclick, ...properties }, icon(name));
}

// The thumbnail of the query picture, or a placeholder icon without a URL.
export function thumbnail(url, alt) {
  return url ? picture(url, alt, { class: "asking-thumb", loading: "eager" }) : h("span", { class: "asking-thumb absent" }, icon("picture"));
}
