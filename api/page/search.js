// The view Search.
import { h } from "./dom.js";

export function mount(element, context) {
  element.append(h("div", { class: "view-head" }, h("h1", {}, "Search")));
  return {};
}
