// A filter on a range: of numbers, or of dates (whole days in UTC). Each kind says how its bounds are written and read.
import { h } from "../dom.js";
import { count } from "../words.js";

const DAY_MS = 24 * 60 * 60 * 1000;
const FIRST_YEAR = "1000"; // below it, a year is still being typed: 2026 starts as 0002

const NUMBERS = {
  input: { type: "number", step: "any" },
  names: ["at least", "at most"],
  hint: (value) => (value === null ? "" : String(value)),
  lower: (filter) => filter.gte,
  upper: (filter) => filter.lte ?? filter.lt,
  read: Number,
  isUnfinished: () => false,
  binName: (bin) => `${bin.gte} to ${bin.lt}`,
  // Whether a bin has a part within the filter.
  isInside: (bin, { gte, lt, lte }) => bin.lt > (gte ?? -Infinity) && bin.gte < (lt ?? Infinity) && bin.gte <= (lte ?? Infinity),
};

const DATES = {
  input: { type: "date" },
  names: ["from", "to"],
  hint: () => null,
  lower: (filter) => dayOf(filter.gte),
  upper: (filter) => dayOf(filter.lte) ?? lastDayBefore(filter.lt),
  read: String,
  isUnfinished: (value) => value !== "" && value < FIRST_YEAR,
  binName: (bin) => days(dayOf(bin.gte), lastDayBefore(bin.lt)),
  isInside: (bin, { gte, lt, lte }) => bin.lt > at(gte, "T00:00:00Z", "") && bin.gte < at(lt, "T00:00:00Z", "A") && bin.gte <= at(lte, "T23:59:59Z", "A"),
};

// `chosen()` is the field's current filter, `change(filter)` gets its next one, null for none.
export function range(facet, chosen, change) {
  const kind = facet.type === "datetime" ? DATES : NUMBERS;
  const inUse = () => (chosen() !== null && typeof chosen() === "object" && !Array.isArray(chosen()) ? chosen() : {});
  const now = inUse();
  const set = (part) => {
    const next = Object.fromEntries(Object.entries({ ...inUse(), ...part }).filter(([, value]) => value !== null));
    change(Object.keys(next).length ? next : null);
  };
  const [least, most] = kind.names;
  const lower = bound(facet, kind, least, kind.lower(now), facet.low, (value) => set({ gte: value }));
  const upper = bound(facet, kind, most, kind.upper(now), facet.high, (value) => set({ lte: value, lt: null }));
  return h(
    "fieldset",
    {},
    h("legend", { class: "visually-hidden" }, facet.field),
    bars(facet, kind, now, (bin) => change({ gte: bin.gte, lt: bin.lt })),
    kind === DATES ? dateInputs(facet, lower, upper) : h("div", { class: "facet-range" }, lower, h("span", { class: "soft", "aria-hidden": "true" }, "to"), upper),
  );
}

// A date takes more width than a number, and its input has no placeholder to name the range.
function dateInputs(facet, lower, upper) {
  const row = (name, input) => h("label", { class: "facet-date" }, h("span", { class: "soft" }, name), input);
  return [
    row("from", lower),
    row("to", upper),
    facet.low !== null && h("p", { class: "soft small" }, days(dayOf(facet.low), dayOf(facet.high))),
  ];
}

function bound(facet, kind, name, value, limit, apply) {
  const label = `${facet.field}, ${name}`;
  const input = h("input", { class: "field number", ...kind.input, placeholder: kind.hint(limit), "aria-label": label, dataset: { key: label } });
  const use = () => {
    input.defaultValue = input.value; // it is applied, no longer being typed
    apply(input.value === "" ? null : kind.read(input.value));
  };
  input.defaultValue = value ?? "";
  input.addEventListener("change", () => !kind.isUnfinished(input.value) && use());
  input.addEventListener("blur", () => kind.isUnfinished(input.value) && input.value !== input.defaultValue && use());
  return input;
}

// Whether the control holds text that a redraw would lose.
export function isBeingTyped(control) {
  return ["number", "date"].includes(control?.type) && (control.value !== control.defaultValue || control.validity.badInput);
}

function bars(facet, kind, now, pick) {
  const most = Math.max(1, ...facet.bins.map(({ pictures }) => pictures));
  return h(
    "div",
    { class: "bars" },
    facet.bins.map((bin) => {
      const label = `${kind.binName(bin)}: ${count(bin.pictures)}`;
      const bar = h("button", { class: kind.isInside(bin, now) ? "bar-button inside" : "bar-button", type: "button", title: label, "aria-label": label, dataset: { key: `${facet.field}: ${bin.gte}` }, onclick: () => pick(bin) }, h("span", {}));
      bar.firstChild.style.height = `${Math.max(4, (100 * bin.pictures) / most)}%`;
      return bar;
    }),
  );
}

// --- dates as texts: their order is the order in time ---------------------------------------------

function dayOf(text) {
  return typeof text === "string" ? text.slice(0, 10) : undefined;
}

function lastDayBefore(text) {
  const moment = typeof text === "string" ? Date.parse(text) : NaN;
  const day = Number.isNaN(moment) ? undefined : new Date(Math.floor((moment - 1) / DAY_MS) * DAY_MS);
  return day && day.getUTCFullYear() > 0 ? day.toISOString().slice(0, 10) : undefined;
}

function days(first, last) {
  return first === last ? first : `${first} to ${last}`;
}

// A bound with a time, so that it compares with the edges of bins; `otherwise` where there is none.
function at(bound, clock, otherwise) {
  return typeof bound === "string" ? (bound.length === 10 ? bound + clock : bound) : otherwise;
}
