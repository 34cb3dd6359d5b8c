// The pictures per minute over the last hour, as bars, and as a table for screen readers.
import { fill, h } from "../dom.js";
import { table } from "../table.js";
import { compact, count } from "../words.js";

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const LABEL_EVERY = 10;
const RESTING = "Pictures per minute, last hour";

export class Plot {
  constructor() {
    this.bars = h("div", { class: "bars", role: "img" });
    this.scale = h("div", { class: "scale small soft number", "aria-hidden": "true" });
    this.times = h("div", { class: "times small soft number", "aria-hidden": "true" });
    this.readout = h("p", { class: "small soft readout" }, RESTING);
    this.rows = h("div", {});
    const legend = h("p", { class: "legend small soft" }, h("span", { class: "key embedded" }), "embedded", h("span", { class: "key failed" }), "failed");
    const details = h("details", { class: "small" }, h("summary", {}, "As a table"), this.rows);
    // The table is built only when it is opened.
    details.addEventListener("toggle", () => this.#showTable(details.open));
    this.details = details;
    this.element = h(
      "figure", { class: "plot", "aria-label": "Throughput of the last hour" },
      h("figcaption", {}, this.readout, legend), h("div", { class: "frame" }, this.scale, this.bars), this.times, details,
    );
    this.bars.addEventListener("pointermove", (event) => this.#read(event.target.closest(".minute")));
    this.bars.addEventListener("pointerleave", () => this.#read(null));
    this.minutes = [];
  }

  show(minutes) {
    const changed = JSON.stringify(minutes) !== JSON.stringify(this.minutes);
    this.minutes = minutes;
    if (!changed) return;
    const top = niceTop(Math.max(...minutes.map((minute) => minute.embedded + minute.failed)));
    fill(this.bars, minutes.map((minute, at) => bar(minute, at, top)));
    fill(this.scale, [top, top / 2, 0].map((value) => h("span", {}, compact(value))));
    fill(this.times, minutes.map((minute, at) => (minutes.length - 1 - at) % LABEL_EVERY === 0 && label(minute, at, minutes.length)));
    this.bars.setAttribute("aria-label", spoken(minutes));
    this.#showTable(this.details.open);
  }

  #read(column) {
    const minute = column && this.minutes[Number(column.dataset.at)];
    this.readout.textContent = minute ? words(minute) : RESTING;
  }

  #showTable(open) {
    const some = this.minutes.filter((minute) => minute.embedded || minute.failed).reverse();
    const rows = some.map((minute) => h("tr", {}, h("th", { scope: "row" }, clock(minute)), h("td", { class: "number" }, count(minute.embedded)), h("td", { class: "number" }, count(minute.failed))));
    const headings = ["Minute", { text: "Embedded", number: true }, { text: "Failed", number: true }];
    fill(this.rows, open && (rows.length ? table("Pictures per minute", headings, rows) : h("p", {}, "No pictures were processed in the last hour.")));
  }
}

function bar(minute, at, top) {
  const part = (name) => {
    const element = h("span", { class: name });
    element.style.height = `${(100 * minute[name]) / top}%`;
    return element;
  };
  return h("span", { class: "minute", dataset: { at } }, minute.failed > 0 && part("failed"), minute.embedded > 0 && part("embedded"));
}

// A time label, centred below its bar.
function label(minute, at, bars) {
  const element = h("span", {}, clock(minute));
  element.style.left = `${(100 * (at + 0.5)) / bars}%`;
  return element;
}

const clock = (minute) => CLOCK.format(new Date(minute.at));
const words = (minute) => `${clock(minute)}: ${count(minute.embedded)} embedded, ${count(minute.failed)} failed`;

function spoken(minutes) {
  const most = minutes.reduce((best, minute) => (minute.embedded > best.embedded ? minute : best));
  if (!most.embedded && minutes.every((minute) => !minute.failed)) return "No pictures were processed in the last hour.";
  return `Pictures per minute over the last hour; the most at ${words(most)}.`;
}

// The smallest of 2, 4, 10, 20, 40, 100, … that fits the highest bar; half of it is a round number too.
export function niceTop(highest) {
  for (let power = 1; ; power *= 10) {
    for (const step of [2, 4, 10]) if (highest <= step * power) return step * power;
  }
}
