// Parts shared by the pages of the view Jobs: a job's state, its progress bar, and its rejected rows.
import { h } from "../dom.js";
import { stateTone, stateWords } from "./words.js";
import { table } from "../table.js";
import { count } from "../words.js";

export function stateChip(state) {
  return h("span", { class: "chip job-state" }, h("span", { class: `dot ${stateTone(state)}` }), stateWords(state));
}

// A bar with the embedded, failed and cancelled shares of a job: { element, show(job) }.
export function progressBar(label) {
  const names = ["embedded", "failed", "cancelled"];
  const parts = names.map((name) => h("span", { class: `part ${name}` }));
  const element = h("div", { class: "job-bar", role: "progressbar", "aria-label": label, "aria-valuemin": 0 }, parts);
  const show = (job) => {
    names.forEach((name, at) => {
      parts[at].style.width = `${job.images ? (100 * job[name]) / job.images : 0}%`;
    });
    element.setAttribute("aria-valuemax", job.images);
    element.setAttribute("aria-valuenow", job.images - job.pending);
    element.setAttribute("aria-valuetext", outcomeWords(job));
    element.classList.toggle("live", !job.finished);
  };
  return { element, show };
}

// 714 embedded, 8 failed, of 722 pictures.
export function outcomeWords(job) {
  const outcomes = ["embedded", "failed", "cancelled"].filter((name) => job[name] || name === "embedded");
  return `${outcomes.map((name) => `${count(job[name])} ${name}`).join(", ")}, of ${count(job.images)} pictures`;
}

// The rows of a catalog that were rejected, or would be.
export function problemTable(rows) {
  return table(
    "Rejected rows",
    [{ text: "Line", number: true }, "Column", "Problem"],
    rows.map((row) => h("tr", {}, h("td", { class: "number" }, row.line === null ? "–" : count(row.line)), h("td", {}, row.field ?? "–"), h("td", {}, row.message))),
  );
}
