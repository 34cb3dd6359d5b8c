// The view System.
import { h } from "./dom.js";

// See main.js for what the context holds.
export function mount(element) {
  element.append(h("div", { class: "view-head" }, h("h1", {}, "System")));
  return {};
}
