// The hits as cards; more are loaded when the user scrolls to the end.
import { catalogPicture } from "../catalog_picture.js";
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { priceOf, titleOf } from "../item_fields.js";
import { count, counted } from "../words.js";

// `on` has open(hit), like(hit), steer("like" | "unlike", hit) and more(); `context` has api and signal.
export function hitList(context, on) {
  const list = h("ol", { class: "hits" });
  const foot = h("div", { class: "hits-foot" });
  const room = h("div", {}, list, foot);
  let told = false; // whether the divider before the less similar items is shown
  let next = null;

  const watcher = new IntersectionObserver(
    (entries) => {
      if (next !== null && entries.some((entry) => entry.isIntersecting)) on.more();
    },
    { rootMargin: "600px" },
  );
  watcher.observe(foot);
  context.signal.addEventListener("abort", () => watcher.disconnect());

  function add(answer) {
    for (const hit of answer.hits) {
      if (hit.relevant === false && !told) list.append(divider(list.childElementCount === 0));
      told ||= hit.relevant === false;
      list.append(card(context, answer.collection, hit, on));
    }
    next = answer.next_offset;
    drawFoot();
    // Observe again: on a tall screen the end may still be visible, and the observer would not fire again.
    watcher.unobserve(foot);
    watcher.observe(foot);
  }

  function drawFoot(waiting = false) {
    const shown = list.querySelectorAll(".hit").length;
    if (waiting) fill(foot, h("p", { class: "busy" }, "Loading more"));
    else if (next !== null) fill(foot, h("button", { class: "button", type: "button", onclick: on.more }, "Show more"));
    else if (shown > 12) fill(foot, h("p", { class: "soft small" }, `End of results: ${counted(shown, "item")}.`));
    else fill(foot);
  }

  return {
    room,
    add,
    get next() {
      return next;
    },
    waiting: () => drawFoot(true),
    fail: (notice) => fill(foot, notice),
    clear() {
      fill(list);
      fill(foot);
      told = false;
      next = null;
    },
  };
}

function divider(atOnce) {
  const text = atOnce
    ? "No close matches. Nearest items:"
    : "Less similar items";
  return h("li", { class: "hits-divider" }, h("span", {}, text));
}

function card(context, collection, hit, on) {
  const title = titleOf(hit.fields, hit.item_id);
  const price = priceOf(hit.fields);
  const small = (name, label, act) =>
    h("button", { class: "icon-button", type: "button", title: label, "aria-label": `${label}: ${title}`, onclick: act }, icon(name));
  return h(
    "li",
    { class: "hit", dataset: { item: hit.item_id } },
    h(
      "button",
      { class: "hit-open", type: "button", onclick: () => on.open(hit) },
      h("span", { class: "mat" }, catalogPicture(context, collection, hit, "")),
      h("span", { class: "hit-title" }, title),
    ),
    h(
      "div",
      { class: "hit-line" },
      price && h("span", { class: "number" }, price),
      h("span", { class: "score number", title: "Similarity (cosine, max 1)" }, h("span", { class: "visually-hidden" }, "score "), hit.score.toFixed(2)),
      hit.duplicates.length > 0 && h("span", { class: "soft small", title: hit.duplicates.map(({ item_id }) => item_id).join(", ") }, `+${count(hit.duplicates.length)} similar`),
    ),
    h("div", { class: "hit-actions" }, small("like", "Similar items", () => on.like(hit)), small("plus", "More like this one", () => on.steer("like", hit)), small("minus", "Less like this one", () => on.steer("unlike", hit))),
  );
}
