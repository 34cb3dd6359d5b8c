// The options of a search: exact or by the index, and the weight of the text relative to the picture.
import { fill, h } from "../dom.js";
import { hasPicture, isEmpty } from "./query.js";
import { count } from "../words.js";

const WEIGHTS = new Map([[0.25, "a quarter as much"], [0.5, "half as much"], [1, "as much"], [2, "twice as much"], [4, "four times as much"]]);

// `ask(query)` is called with the changed query; draw(query) shows the options of a query.
export function searchOptions(ask) {
  const exact = h("input", { type: "checkbox", id: "exact" });
  const weight = h("select", { class: "field", id: "text-weight" });
  const words = h("label", { class: "option", for: "text-weight" }, "Text weight: ", weight, " as the picture");
  const room = h("div", { class: "search-options small", hidden: true }, h("label", { class: "option", for: "exact", title: "Skips the index" }, exact, "Exact search (slower)"), words);
  let query = null;

  exact.addEventListener("change", () => ask({ ...query, exact: exact.checked }));
  weight.addEventListener("change", () => ask({ ...query, weight: Number(weight.value) }));

  // The controls are kept, so that a keyboard user does not lose the focus.
  function draw(next) {
    query = next;
    room.hidden = isEmpty(query);
    exact.checked = query.exact;
    words.hidden = !query.text || !(hasPicture(query) || query.like.length);
    // A link can contain a weight that is not in the list.
    const offered = [...new Set([...WEIGHTS.keys(), query.weight])].sort((one, other) => one - other);
    fill(weight, offered.map((value) => h("option", { value: String(value) }, WEIGHTS.get(value) ?? `${count(value)} times as much`)));
    weight.value = String(query.weight);
  }
  return { room, draw };
}
