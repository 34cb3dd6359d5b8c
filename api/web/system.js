// The view System: workers, queues, the last hour's throughput, and health checks.
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { busy, isAbort, notice, problemNotice } from "./notices.js";
import { poll } from "./poll.js";
import { Plot } from "./system/plot.js";
import { table } from "./table.js";
import { compact, count, moment } from "./words.js";

const EVERY_MS = 5000;

export function mount(element, { api, signal }) {
  const page = new SystemPage(element, api, signal);
  poll(() => page.look(), EVERY_MS, signal);
  poll(() => page.check(), 3 * EVERY_MS, signal);
}

class SystemPage {
  constructor(element, api, signal) {
    Object.assign(this, { api, signal });
    this.said = h("div", {}, busy("Loading"));
    this.links = h("div", { class: "links" });
    this.tiles = h("dl", { class: "figures" });
    this.plot = new Plot();
    this.workers = h("div", {});
    this.queues = h("div", {});
    this.checks = h("div", {}, busy("Running health checks"));
    this.body = h(
      "div", { class: "system" },
      h("section", { class: "card wide" }, this.tiles, this.plot.element),
      h("section", { class: "card wide" }, h("h2", {}, "Workers"), this.workers),
      h("section", { class: "card" }, h("h2", {}, "Queues"), this.queues),
      h("section", { class: "card" }, h("h2", {}, "Health checks"), this.checks),
    );
    this.body.hidden = true;
    this.version = h("p", {});
    element.append(h("div", { class: "view-head" }, h("div", {}, h("h1", {}, "System"), this.version), this.links), this.said, this.body);
  }

  async look() {
    try {
      this.#show(await this.api.get("/v1/system", { signal: this.signal }));
      fill(this.said);
    } catch (error) {
      if (!isAbort(error)) fill(this.said, problemNotice(error, () => this.look()));
    }
  }

  // Separate from the rest, because the service tries a search, which takes long if a worker hangs.
  async check() {
    try {
      fill(this.checks, checkList(await this.api.get("/readyz", { signal: this.signal })));
    } catch (error) {
      if (isAbort(error)) return;
      fill(this.checks, error.checks ? checkList(error) : problemNotice(error));
    }
  }

  #show(system) {
    this.body.hidden = false;
    this.version.textContent = `vitrine ${system.version}`;
    fill(this.tiles, tiles(system));
    this.plot.show(system.minutes);
    this.#showOnce("workers", system.workers, workerTable);
    this.#showOnce("queues", system.queues, queueTable);
    this.#showOnce("links", [system.flower_url, system.grafana_url], links);
  }

  // Redrawn only after a change, so that the user's selection and focus stay.
  #showOnce(name, data, draw) {
    const text = JSON.stringify(data);
    if (this[name].dataset.shown === text) return;
    this[name].dataset.shown = text;
    fill(this[name], draw(data));
  }
}

function tiles({ workers, active_jobs: jobs, pending_images: pending, max_pending_images: most, minutes }) {
  const sum = (name) => minutes.reduce((total, minute) => total + minute[name], 0);
  const told = [
    ["Workers", count(workers.length), workers.length ? "" : "bad"],
    ["Active jobs", count(jobs), ""],
    ["Pending pictures", compact(pending), pending >= most ? "bad" : "", `limit: ${count(most)}`],
    ["Embedded in the last hour", compact(sum("embedded")), "good"],
    ["Failed in the last hour", compact(sum("failed")), sum("failed") ? "bad" : ""],
  ];
  return told.map(([name, value, tone, help]) => h("div", { class: tone, title: help }, h("dt", {}, name), h("dd", { class: "number" }, value)));
}

function workerTable(workers) {
  if (!workers.length) return notice("No worker is running.", { kind: "warn", hint: "Start one: vitrine worker, or vitrine standalone." });
  const headings = ["Worker", "Model", "Device", { text: "Dimension", number: true }, "Words", "Since", "Store"];
  const cell = (label, content, properties = {}) => h("td", { dataset: { label }, ...properties }, content);
  const rows = workers.map((worker) =>
    h(
      "tr", {},
      h("th", { scope: "row", class: "first" }, worker.node), cell("Model", worker.space.model), cell("Device", worker.device),
      cell("Dimension", count(worker.space.dimension), { class: "number" }), cell("Words", worker.supports_text ? "yes" : "no"),
      cell("Since", h("time", { datetime: worker.started_at }, moment(worker.started_at))),
      cell("Store", worker.store_away ? state("warn", `unreachable since ${moment(worker.store_away.since)}: ${worker.store_away.why}`) : state("good", "ok")),
    ),
  );
  return table("Workers", headings, rows, { class: "table stacks" });
}

function queueTable(queues) {
  const rows = queues.map((queue) =>
    h(
      "tr", {},
      h("th", { scope: "row" }, queue.model), h("td", { class: "number" }, queue.workers ? count(queue.workers) : state("warn", "none")),
      h("td", { class: "number" }, count(queue.chunks)), h("td", { class: "number" }, count(queue.queries)),
    ),
  );
  const headings = ["Model", { text: "Workers", number: true }, { text: "Chunks", number: true }, { text: "Queries", number: true }];
  return [table("Queues", headings, rows), h("p", { class: "small soft" }, "One chunk is up to 64 pictures. Chunks already taken by a worker are not counted.")];
}

function checkList({ checks, notices = {} }) {
  const rows = Object.entries(checks).map(([name, found]) => h("li", {}, state(found === "ok" ? "good" : "bad", name), found === "ok" ? " ok" : ` ${found}`));
  const told = Object.entries(notices).map(([name, text]) => h("li", {}, state("warn", name), ` ${text}`));
  return h("ul", { class: "checks" }, rows, told);
}

function links([flower, grafana]) {
  const to = (name, url) => url && h("a", { class: "button small", href: url, target: "_blank", rel: "noopener noreferrer" }, name, icon("external"));
  return [to("Flower", flower), to("Grafana", grafana), h("a", { class: "button small", href: "docs" }, "API")];
}

const state = (tone, text) => h("span", { class: "state" }, h("span", { class: `dot ${tone}` }), text);
