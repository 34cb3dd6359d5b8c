// One job: its progress while it runs, its outcome when it is finished, and the actions on it.
import { confirmed } from "../confirm_dialog.js";
import { announce, fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { follow } from "./events.js";
import { Failures } from "./failures.js";
import { brokenOffNotice, brokenOffWords, codeCounts, outcomeWords, problemTable, progressBar, stateChip } from "./parts.js";
import { chunkPlaces, stageSteps } from "./stages.js";
import { sourceName, stateWords } from "./words.js";
import { busy, isAbort, notice, problemNotice } from "../notices.js";
import { compact, count, counted, duration, moment } from "../words.js";

// Data that only the job's events contain.
const UNTOLD = { chunks: null, in_stages: null, rate: null, seconds_left: null };

export function mount(element, context) {
  const page = new JobPage(element, context);
  page.follow();
}

class JobPage {
  constructor(element, { api, rest, signal, carried }) {
    Object.assign(this, { api, signal, id: rest[0], path: `/v1/jobs/${encodeURIComponent(rest[0])}`, job: null, shownState: null, rejected: -1 });
    this.title = h("h1", {}, "Job ", h("span", { class: "mono" }, this.id));
    this.subtitle = h("p", {});
    this.actions = h("div", { class: "actions" });
    this.said = h("div", {});
    this.trouble = h("div", {}, busy("Loading the job"));
    this.bar = progressBar("Pictures with an outcome");
    this.body = h("div", { class: "job" });
    this.body.hidden = true;
    this.figures = h("dl", { class: "figures" });
    this.chunks = h("ol", { class: "stages small", "aria-label": "Chunks" });
    this.steps = stageSteps();
    this.summary = h("div", {});
    this.broken = h("div", {});
    this.problems = h("div", {});
    this.failures = new Failures(api, this.path, signal, (images) => this.#retried(images));
    const back = h("a", { class: "back small", href: "#/jobs" }, "All jobs");
    element.append(h("div", { class: "view-head" }, h("div", { class: "what" }, back, this.title, this.subtitle), this.actions), this.said, this.trouble, this.body);
    this.body.append(this.broken, h("section", { class: "card progress" }, this.bar.element, this.figures, this.chunks, this.steps.element, this.summary), this.failures.element, this.problems);
    if (carried.accepted?.job.id === this.id) this.#welcome(carried.accepted);
  }

  async follow() {
    if (this.following) return;
    this.following = true;
    await follow(this.api, this.id, this.signal, {
      progress: (progress) => this.#show(progress),
      problem: (error) => this.#trouble(error),
      gone: (error) => {
        this.body.hidden = true;
        fill(this.actions);
        fill(this.trouble, problemNotice(error));
      },
    });
    this.following = false;
  }

  // With a 429 (too many event streams), show what the job's own route returns; otherwise show the error.
  async #trouble(error) {
    if (error.status !== 429) return void fill(this.trouble, problemNotice(error));
    try {
      this.#show({ job: await this.api.get(this.path, { signal: this.signal }), ...UNTOLD });
    } catch (other) {
      if (!isAbort(other)) fill(this.trouble, problemNotice(other));
    }
  }

  #welcome({ warnings, job }) {
    const shown = job.broken_off ? brokenOffWords(job.broken_off) : null; // The page itself says this.
    fill(this.said, warnings.filter((text) => text !== shown).map((text) => notice(text, { kind: "warn" })));
    announce(`Submitted: ${counted(job.items, "item")}.`);
  }

  #show({ job, chunks, in_stages: inStages, rate, seconds_left: left }) {
    this.job = job;
    fill(this.trouble);
    this.body.hidden = false;
    this.bar.show(job);
    this.title.textContent = sourceName(job.source);
    fill(this.figures, figures(job, rate, left));
    fill(this.chunks, job.finished || !chunks ? [] : chunkPlaces(job, chunks));
    this.steps.show(job, inStages);
    if (job.state !== this.shownState) this.#enter(job);
    this.failures.show(job);
    if (job.rejected_rows !== this.rejected) this.#showRejected(job);
  }

  // Parts that depend only on the state are drawn once per state, so that nothing moves under the pointer or loses focus.
  #enter(job) {
    if (this.shownState !== null) announce(`The job is ${stateWords(job.state)}: ${outcomeWords(job)}.`);
    this.shownState = job.state;
    fill(this.subtitle, stateChip(job.state), ` → ${job.collection} · model ${job.model} · `, h("span", { class: "mono" }, job.id));
    const stoppable = job.state === "open" || job.state === "running";
    fill(
      this.actions,
      stoppable && h("button", { class: "button danger", type: "button", onclick: () => this.#cancel() }, icon("stop"), "Stop the job"),
      job.embedded > 0 && job.finished && h("a", { class: "button primary", href: `#/search?collection=${encodeURIComponent(job.collection)}` }, icon("search"), `Search ${job.collection}`),
    );
    fill(this.summary, job.finished && h("p", { class: "summary" }, summary(job)), job.notice && notice(job.notice, { kind: "bad" }));
  }

  async #showRejected(job) {
    this.rejected = job.rejected_rows;
    if (!job.rejected_rows) return void fill(this.problems);
    fill(this.broken, job.broken_off && brokenOffNotice(job.broken_off, "Submit the whole file again: nothing is stored twice."));
    try {
      const { problems } = await this.api.get(`${this.path}/problems`, { signal: this.signal });
      const left = job.rejected_rows - problems.length;
      const first = count(problems.length - (job.broken_off ? 1 : 0));
      fill(
        this.problems,
        h(
          "section", { class: "card" },
          h("h2", {}, `${counted(job.rejected_rows, "row")} rejected`),
          h("p", { class: "small soft" }, codeCounts(job.rejected_by_code)),
          problemTable(problems),
          left > 0 && h("p", { class: "small soft" }, job.broken_off ? `Only the first ${first} are kept, and the place where the file broke off.` : `Only the first ${first} are kept.`),
        ),
      );
    } catch (error) {
      if (!isAbort(error)) fill(this.problems, problemNotice(error));
    }
  }

  async #cancel() {
    const pending = counted(this.job.pending, "picture");
    if (!(await confirmed("Stop this job?", `${pending} will not be embedded. Those already done stay.`, "Stop it"))) return;
    try {
      const job = await this.api.post(`${this.path}/cancel`, undefined, { signal: this.signal });
      this.#show({ job, ...UNTOLD });
    } catch (error) {
      if (!isAbort(error)) fill(this.said, problemNotice(error));
    }
  }

  #retried(images) {
    fill(this.said, notice(images ? `Retrying ${counted(images, "picture")}.` : "No such failures are left to retry."));
    announce(this.said.textContent);
    // A stream that ended with the job has to be opened again; one that is still open continues by itself.
    this.follow();
  }
}

function figures(job, rate, left) {
  const told = [
    ["Embedded", count(job.embedded), "good"],
    ["Failed", count(job.failed), job.failed ? "bad" : ""],
    job.finished ? null : ["Pending", count(job.pending), ""],
    job.cancelled ? ["Cancelled", count(job.cancelled), ""] : null,
    job.rejected_rows ? ["Rejected rows", count(job.rejected_rows), "warn"] : null,
    ["Items", count(job.items), ""],
    job.finished ? null : ["Pictures per second", rate === null ? "–" : compact(Math.round(rate * 10) / 10), ""],
    job.finished ? null : ["Time left", left === null ? "–" : `about ${duration(left)}`, ""],
  ];
  return told.filter(Boolean).map(([name, value, tone]) => h("div", { class: tone }, h("dt", {}, name), h("dd", { class: "number" }, value)));
}

function summary(job) {
  const seconds = (Date.parse(job.finished_at) - Date.parse(job.created_at)) / 1000;
  const when = job.finished_at ? ` Finished ${moment(job.finished_at)} (${duration(seconds)}).` : "";
  if (job.state === "lost") return "This job is no longer on record.";
  if (job.state === "cancelled") return `Stopped: ${outcomeWords(job)}.${when}`;
  if (job.failed) return `${counted(job.embedded, "picture")} searchable, ${count(job.failed)} failed.${when}`;
  return `Every picture is searchable.${when}`;
}
