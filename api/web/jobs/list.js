// The list of jobs, newest first, with their progress; and the way to submit a new one.
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { dropInto, dropZone } from "./drop.js";
import { outcomeWords, progressBar, stateChip } from "./parts.js";
import { sourceName } from "./words.js";
import { busy, empty, isAbort, problemNotice } from "../notices.js";
import { poll } from "../poll.js";
import { ago, counted, moment } from "../words.js";

const EVERY_MS = 3000;
const PAGE = 25;
const MOST = 1000;

export function mount(element, { api, navigate, signal, carried }) {
  const take = (file) => {
    carried.file = file;
    navigate("jobs", { rest: ["new"] });
  };
  const said = h("div", {});
  const room = h("div", {}, busy("Loading jobs"));
  element.append(
    h(
      "div", { class: "view-head" },
      h("div", {}, h("h1", {}, "Jobs"), h("p", {}, "Each submitted catalog is a job. Every picture ends up embedded or with a failure reason.")),
      h("a", { class: "button primary", href: "#/jobs/new" }, icon("upload"), "Submit a catalog"),
    ),
    said, room,
  );
  dropInto(element, take, signal);

  const none = empty("No jobs yet", "Submit a catalog of picture URLs, and watch it become searchable.");
  const rows = new Rows();
  let limit = PAGE;
  const look = async () => {
    try {
      const { jobs, next_offset: next } = await api.get("/v1/jobs", { query: { limit }, signal });
      fill(said);
      if (jobs.length) rows.show(room, jobs, next === null || limit >= MOST ? null : more);
      else if (room.firstElementChild !== none) fill(room, none, dropZone(take, signal));
    } catch (error) {
      if (isAbort(error)) return;
      if (rows.isEmpty) fill(room);
      fill(said, problemNotice(error, look));
    }
  };
  const more = () => {
    limit = Math.min(MOST, limit * 2);
    look();
  };
  poll(look, EVERY_MS, signal);
}

// The rows by job: an existing row is updated in place, so that it keeps the focus.
class Rows {
  #byJob = new Map();
  #order = "";
  #list = h("ul", { class: "card jobs-list", "aria-label": "Jobs" });
  #foot = h("div", { class: "foot" });

  get isEmpty() {
    return this.#order === "";
  }

  show(room, jobs, more) {
    for (const job of jobs) {
      if (!this.#byJob.has(job.id)) this.#byJob.set(job.id, jobRow(job));
      this.#byJob.get(job.id).show(job);
    }
    const order = jobs.map((job) => job.id).join(" ");
    if (order !== this.#order) fill(this.#list, jobs.map((job) => this.#byJob.get(job.id).element));
    this.#order = order;
    fill(this.#foot, more && h("button", { class: "button", type: "button", onclick: more }, "Show older jobs"));
    if (this.#list.parentElement !== room) fill(room, this.#list, this.#foot);
  }
}

function jobRow(job) {
  const name = `${sourceName(job.source)} → ${job.collection}`;
  const state = h("span", { class: "state" });
  const bar = progressBar(`Progress of ${name}`);
  const outcome = h("span", { class: "outcome small soft number" });
  const time = h("time", { class: "when small soft", datetime: job.created_at, title: moment(job.created_at) });
  const element = h(
    "li", {},
    h("a", { class: "what", href: `#/jobs/${encodeURIComponent(job.id)}` }, h("span", { class: "clip" }, sourceName(job.source)), h("span", { class: "small soft clip" }, `→ ${job.collection} · ${job.model}`)),
    state, h("span", { class: "how-far" }, bar.element, outcome), time,
  );
  let shown = "";
  const show = (now) => {
    bar.show(now);
    if (now.state !== shown) fill(state, stateChip(now.state));
    shown = now.state;
    outcome.textContent = now.state === "lost" ? "no longer on record" : outcomeWords(now) + rejected(now);
    time.textContent = ago(now.created_at);
  };
  return { element, show };
}

const rejected = (job) => (job.rejected_rows ? `; ${counted(job.rejected_rows, "row")} rejected` : "") + (job.broken_off ? "; the file broke off" : "");
