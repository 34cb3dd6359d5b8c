// A table that can be scrolled sideways by keyboard, with a caption for screen readers.
import { h } from "./dom.js";

export function table(caption, headings, rows, properties = {}) {
  return h(
    "div", { class: "scroll-x", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table", { class: "table", ...properties },
      h("caption", { class: "visually-hidden" }, caption),
      h("thead", {}, h("tr", {}, headings.map((heading) => h("th", { scope: "col", class: heading.number ? "number" : "" }, heading.text ?? heading)))),
      h("tbody", {}, rows),
    ),
  );
}
