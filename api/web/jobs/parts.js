// Parts shared by the pages of the view Jobs: a job's state, its progress bar, and its rejected rows.
import { h } from "../dom.js";
import { plain, stateTone, stateWords } from "./words.js";
import { notice } from "../notices.js";
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

// Rejected rows by code, the most frequent first: bad url 12 · duplicate id 3.
export function codeCounts(codes) {
  return Object.entries(codes)
    .sort(([, one], [, other]) => other - one)
    .map(([code, number]) => `${plain(code)} ${count(number)}`)
    .join(" · ");
}

// What to tell about a catalog that was not read to its end, as the API's warning does.
export function brokenOffWords(row) {
  const where = row.line === null ? "" : ` at line ${count(row.line)}`;
  return `The file broke off${where}: ${row.message.replace(/[. ]+$/, "")}. The rows after it are missing.`;
}

export const brokenOffNotice = (row, hint) => notice(brokenOffWords(row), { kind: "bad", hint });

// The rows of a catalog that were rejected, or would be.
export function problemTable(rows) {
  return table(
    "Rejected rows",
    [{ text: "Line", number: true }, "Column", "Problem"],
    rows.map((row) => h("tr", {}, h("td", { class: "number" }, row.line === null ? "–" : count(row.line)), h("td", {}, row.field ?? "–"), h("td", {}, row.message))),
  );
}
