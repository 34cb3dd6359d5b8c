// Filters from the collection's field values: values with their counts, and ranges of numbers or dates.
import { fill, h } from "../dom.js";
import { shown } from "../item_fields.js";
import { compact } from "../words.js";
import { isBeingTyped, range } from "./facet_range.js";

const OPEN_AT_FIRST = 4; // fields whose filters are expanded

// `onchange(filter)` gets the whole new filter. Call under(filter) as soon as a filter is in use, and draw(facets) once the
// API has returned its facets. In between, the old controls change the new filter.
export function facetPanel(onchange) {
  const body = h("div", { class: "facets-body" });
  const clear = h("button", { class: "button small", type: "button", hidden: true, onclick: () => onchange({}) }, "Clear");
  const room = h("section", { class: "facets", "aria-label": "Filters" }, h("div", { class: "facets-head" }, h("h2", {}, "Filters"), clear), body);
  const unfolded = new Map();
  let filter = {};
  let touched = null; // the control used last: it gets the focus back after a redraw
  let late = null; // facets that arrived while the user was typing a bound

  body.addEventListener("change", (event) => {
    touched = event.target.dataset.key;
  });
  body.addEventListener("click", (event) => {
    touched = event.target.closest("[data-key]")?.dataset.key ?? touched;
  });

  // After the control's change event, which comes first: a typed bound starts a new search, and late facets are then outdated.
  body.addEventListener("focusout", () => setTimeout(() => late && draw(late)));

  function change(field, value) {
    const next = { ...filter };
    if (value === null) delete next[field];
    else next[field] = value;
    onchange(next);
  }

  function under(next) {
    filter = next;
    late = null;
    clear.hidden = Object.keys(filter).length === 0;
  }

  function refocus() {
    const again = [...body.querySelectorAll("[data-key]")].find(({ dataset }) => dataset.key === touched);
    touched = null;
    again?.focus({ preventScroll: true });
  }

  function draw(facets) {
    late = isBeingTyped(document.activeElement) && body.contains(document.activeElement) ? facets : null;
    if (late) return;
    const offered = facets.filter((facet) => facet.suggested || facet.field in filter);
    fill(
      body,
      offered.length === 0 && h("p", { class: "soft small" }, "This collection has no fields to filter by."),
      offered.map((facet, place) => group(facet, () => filter[facet.field], place < OPEN_AT_FIRST, unfolded, (value) => change(facet.field, value))),
    );
    refocus();
  }
  return { room, under, draw, fail: (problem) => fill(body, problem) };
}

function group(facet, chosen, open, unfolded, change) {
  const { field } = facet;
  const inUse = chosen() !== undefined;
  const part = facet.kind === "range" ? range(facet, chosen, change) : values(facet, chosen, change);
  const details = h("details", { class: "facet" }, h("summary", {}, h("span", {}, field), inUse && h("span", { class: "dot good", title: "In use" })), part);
  details.open = unfolded.get(field) ?? (open || inUse);
  details.addEventListener("toggle", () => unfolded.set(field, details.open));
  return details;
}

function values(facet, chosen, change) {
  const inUse = () => (chosen() === undefined ? [] : [chosen()].flat());
  const now = inUse();
  const gone = now.filter((value) => !facet.values.some((each) => each.value === value));
  const all = [...facet.values, ...gone.map((value) => ({ value, pictures: 0 }))];
  const row = ({ value, pictures }) => {
    const box = h("input", { type: "checkbox", checked: now.includes(value), dataset: { key: `${facet.field}=${value}` } });
    box.addEventListener("change", () => {
      const next = inUse().filter((each) => each !== value);
      if (box.checked) next.push(value);
      change(next.length ? next : null);
    });
    return h("label", { class: "facet-value" }, box, h("span", { class: "clip" }, shown(value)), h("span", { class: "soft number" }, compact(pictures)));
  };
  return h("fieldset", {}, h("legend", { class: "visually-hidden" }, facet.field), all.map(row), facet.more && h("p", { class: "soft small" }, "and more"));
}
