// A job's failures: counts by reason and by host, the list, and the retry.
import { announce, fill, h, isWebAddress } from "../dom.js";
import { icon } from "../icons.js";
import { plain, reasonHelp } from "./words.js";
import { busy, isAbort, problemNotice } from "../notices.js";
import { table } from "../table.js";
import { count, counted } from "../words.js";

const PAGE = 50;
// Shortest interval between two reads of a running job's failures.
const EVERY_MS = 3000;

export class Failures {
  // `retried(images)` is called with the number of retried pictures.
  constructor(api, path, signal, retried) {
    Object.assign(this, { api, path, signal, retried, reason: null, host: null, job: null, known: -1, lookedAt: 0, timer: null, rows: [] });
    this.groups = h("div", { class: "groups" });
    this.said = h("div", {});
    this.retryButton = h("button", { class: "button", type: "button", onclick: () => this.#retry() });
    this.csvButton = h("button", { class: "button small", type: "button", onclick: () => this.#download() }, "Download as CSV");
    this.list = h("div", {});
    this.element = h(
      "section", { class: "card failures" },
      h("div", { class: "failures-head" }, h("h2", {}, "Failed pictures"), h("div", { class: "actions" }, this.csvButton, this.retryButton)),
      this.said, this.groups, this.list,
    );
    this.element.hidden = true;
    signal.addEventListener("abort", () => window.clearTimeout(this.timer));
  }

  show(job) {
    this.job = job;
    this.element.hidden = job.failed === 0;
    const retryable = !["open", "cancelling", "cancelled", "lost"].includes(job.state);
    this.retryButton.hidden = !retryable;
    if (job.failed === this.known || this.timer !== null) return;
    const wait = Math.max(0, this.lookedAt + EVERY_MS - Date.now());
    this.timer = window.setTimeout(() => this.#look(), wait);
  }

  async #look() {
    this.timer = null;
    this.lookedAt = Date.now();
    this.known = this.job.failed;
    if (!this.known) return void this.#clear();
    try {
      this.summary = await this.api.get(`${this.path}/failures/summary`, { signal: this.signal });
      fill(this.said);
      this.#showGroups();
      if (this.rows.length <= PAGE) await this.#load(-1); // a longer list stays as it is while the user reads it
    } catch (error) {
      this.#tell(error);
    }
  }

  #clear() {
    this.reason = this.host = null;
    this.rows = [];
    this.#nameRetry();
    fill(this.groups);
    fill(this.list);
  }

  #showGroups() {
    const { groups, counted: seen, failed, more_groups: more } = this.summary;
    const by = (name, other) => {
      const counts = new Map();
      for (const group of groups) {
        if (this[other] === null || group[other] === this[other]) counts.set(group[name], (counts.get(group[name]) ?? 0) + group.pictures);
      }
      return [...counts].sort((one, two) => two[1] - one[1]);
    };
    const focused = document.activeElement?.dataset?.group;
    fill(
      this.groups, this.#choices("Reason", "reason", by("reason", "host")), this.#choices("Host", "host", by("host", "reason")),
      (seen < failed || more > 0) && h("p", { class: "small soft" }, `Counts cover the first ${count(seen)} of ${counted(failed, "failure")}${more ? `, without ${counted(more, "small group")}` : ""}.`),
    );
    if (focused) this.groups.querySelector(`[data-group="${CSS.escape(focused)}"]`)?.focus();
    this.#nameRetry();
  }

  #nameRetry() {
    const which = [this.reason && plain(this.reason), this.host && `at ${this.host}`].filter(Boolean).join(" ");
    fill(this.retryButton, icon("refresh"), which ? `Retry: ${which}` : "Retry all");
  }

  #choices(title, name, counts) {
    const most = Math.max(...counts.map(([, number]) => number), 1);
    const rows = counts.map(([value, number]) => {
      const bar = h("span", { class: "share" });
      bar.style.width = `${(100 * number) / most}%`;
      const words = name === "reason" ? plain(value) : value || "no host";
      return h(
        "li", {},
        h(
          "button",
          {
            type: "button", class: "choice", dataset: { group: `${name}:${value}` }, "aria-pressed": String(this[name] === value), disabled: value === "",
            title: name === "reason" ? reasonHelp(value) : null, onclick: () => this.#choose(name, value),
          },
          bar, h("span", { class: "clip" }, words), h("span", { class: "number" }, count(number)),
        ),
      );
    });
    return h("div", {}, h("h3", {}, `By ${title.toLowerCase()}`), h("ul", { class: "choices" }, rows));
  }

  #choose(name, value) {
    this[name] = this[name] === value ? null : value;
    this.rows = [];
    this.#showGroups();
    this.#load(-1).catch((error) => this.#tell(error));
  }

  // Load a page, the first one (-1) or the one after `after`.
  async #load(after) {
    const { reason, host } = this;
    if (!this.rows.length) fill(this.list, busy("Loading failures"));
    const query = { reason, host, limit: PAGE, after };
    const { failures, next_after: next } = await this.api.get(`${this.path}/failures`, { query, signal: this.signal });
    if (reason !== this.reason || host !== this.host) return; // the user has chosen something else meanwhile
    this.rows = after === -1 ? failures : [...this.rows, ...failures];
    const more = next !== null && h("button", { class: "button small", type: "button", onclick: () => this.#load(next).catch((error) => this.#tell(error)) }, "Show more");
    fill(this.list, failureTable(this.rows), h("div", { class: "foot" }, more));
  }

  async #retry() {
    this.retryButton.disabled = true;
    const which = Object.fromEntries(["reason", "host"].filter((name) => this[name]).map((name) => [name, this[name]]));
    try {
      const { images, job } = await this.api.post(`${this.path}/retry`, which, { signal: this.signal });
      fill(this.said);
      this.#clear();
      this.known = -1;
      this.retried(images);
      this.show(job);
    } catch (error) {
      this.#tell(error);
    } finally {
      this.retryButton.disabled = false;
    }
  }

  // Fetched instead of linked, because a link cannot send the key.
  async #download() {
    this.csvButton.disabled = true;
    try {
      const query = new URLSearchParams({ format: "csv", ...(this.reason && { reason: this.reason }), ...(this.host && { host: this.host }) });
      const answer = await this.api.open(`${this.path}/failures?${query}`, { signal: this.signal });
      const link = h("a", { href: URL.createObjectURL(await answer.blob()), download: `failures-${this.job.id}.csv` });
      link.click();
      window.setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      announce("Failures downloaded.");
    } catch (error) {
      this.#tell(error);
    } finally {
      this.csvButton.disabled = false;
    }
  }

  #tell(error) {
    if (!isAbort(error)) fill(this.said, problemNotice(error));
  }
}

function failureTable(rows) {
  return table(
    "Failed pictures", ["Item", "Picture", "Reason", "Details", { text: "Attempts", number: true }],
    rows.map((row) =>
      h(
        "tr", {},
        h("th", { scope: "row", class: "first" }, row.item_id, row.image_index ? h("span", { class: "soft" }, ` #${row.image_index}`) : null),
        h("td", { class: "address" }, address(row.url)), h("td", { class: "second" }, plain(row.reason)), h("td", {}, row.detail),
        h("td", { class: "number", dataset: { unit: row.attempts === 1 ? "attempt" : "attempts" } }, row.attempts),
      ),
    ),
    { class: "table stacks" },
  );
}

// A catalog's URL becomes a link only if it is a web address.
const address = (url) => (isWebAddress(url) ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, url) : url);
