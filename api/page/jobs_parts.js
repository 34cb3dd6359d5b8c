// Small parts that the pages of the view Jobs share.
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { stateTone, stateWords } from "./jobs_words.js";
import { count } from "./words.js";

export function stateChip(state) {
  return h("span", { class: "chip job-state" }, h("span", { class: `dot ${stateTone(state)}` }), stateWords(state));
}

// How much of a job is done, and how: { element, show(job) }.
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
  const told = ["embedded", "failed", "cancelled"].filter((name) => job[name] || name === "embedded");
  return `${told.map((name) => `${count(job[name])} ${name}`).join(", ")}, of ${count(job.images)} pictures`;
}

// Where a catalog is dropped or chosen; `take` gets the file.
export function dropZone(take, signal) {
  const input = h("input", {
    type: "file", class: "visually-hidden", id: "catalog-file",
    accept: ".csv,.tsv,.tab,.jsonl,.ndjson,.parquet,.pq,.txt,.list,.gz",
    onchange: () => input.files.length && take(input.files[0]),
  });
  const zone = h(
    "label", { class: "drop-zone", for: "catalog-file" }, input,
    icon("upload"),
    h("span", {}, h("strong", {}, "Drop a catalog here"), ", or ", h("span", { class: "link" }, "choose a file")),
    h("span", { class: "small soft" }, "CSV, TSV, JSON Lines, Parquet or a list of URLs, plain or gzipped. You see what is in it before anything is sent."),
  );
  dropInto(zone, take, signal);
  return zone;
}

// A file may be dropped anywhere on the element; it is marked while one is held over it.
export function dropInto(element, take, signal) {
  const held = (event) => event.dataTransfer?.types.includes("Files");
  const mark = (event) => {
    if (!held(event)) return;
    event.preventDefault();
    element.classList.add("held-over");
  };
  element.addEventListener("dragenter", mark, { signal });
  element.addEventListener("dragover", mark, { signal });
  element.addEventListener("dragleave", () => element.classList.remove("held-over"), { signal });
  element.addEventListener("drop", (event) => {
    element.classList.remove("held-over");
    if (!held(event)) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  }, { signal });
}

// Asks before something that cannot be taken back; resolves to whether it is meant.
export function confirmed(title, text, action) {
  return new Promise((resolve) => {
    const dialog = h(
      "dialog", { class: "ask", "aria-labelledby": "ask-title" },
      h(
        "form", { method: "dialog" },
        h("h2", { id: "ask-title" }, title),
        h("p", {}, text),
        h(
          "div", { class: "actions" },
          h("button", { class: "button", type: "submit", value: "" }, "Leave it as it is"),
          h("button", { class: "button danger", type: "submit", value: "yes" }, action),
        ),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

// A table with a heading that only those hear who do not look.
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

// The rows of a catalog that were not taken, or would not be.
export function problemTable(rows) {
  return table(
    "Rejected rows",
    [{ text: "Line", number: true }, "Column", "What is wrong"],
    rows.map((row) => h("tr", {}, h("td", { class: "number" }, row.line === null ? "–" : count(row.line)), h("td", {}, row.field ?? "–"), h("td", {}, row.message))),
  );
}
