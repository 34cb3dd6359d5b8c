// The page that submits a catalog: its contents, the role of each column, the rows that would be rejected, and the upload.
import { announce, fill, h } from "../dom.js";
import { PACKED, PRESETS, WHOLE_MARKS } from "../formats.js";
import { icon } from "../icons.js";
import { dropInto, dropZone } from "./drop.js";
import { MappingTable } from "./mapping.js";
import { brokenOffNotice, codeCounts, problemTable } from "./parts.js";
import { ReadingForm } from "./reading.js";
import { busy, isAbort, notice, problemNotice } from "../notices.js";
import { upload } from "../upload.js";
import { bytes, count, counted } from "../words.js";

// The part of a large file that is sent for the preview: more than the rows that are checked.
const LOOKED_AT_BYTES = 4 * 1024 * 1024;

// Stands for a preview that failed: the options are shown all the same.
const UNREAD = { preset: null, grouped: false, image_root: "", columns: [], missing: ["id", "image"] };

export function mount(element, context) {
  element.append(
    h(
      "div", { class: "view-head" },
      h("div", {}, h("a", { class: "back small", href: "#/jobs" }, "All jobs"), h("h1", {}, "Submit a catalog")),
    ),
  );
  const room = h("div", { class: "submit" });
  element.append(room);
  const take = (file) => new Submission(room, context, file, take).look();
  dropInto(element, take, context.signal);
  const { carried } = context;
  if (carried.file) take(carried.file);
  else fill(room, dropZone(take, context.signal));
  carried.file = null;
}

class Submission {
  constructor(room, { api, navigate, signal, carried, query }, file, take) {
    Object.assign(this, { api, navigate, signal, carried, file });
    this.mapping = new MappingTable(() => this.look());
    this.reading = new ReadingForm(() => this.look());
    this.found = h("div", { class: "found" });
    this.said = h("div", {});
    this.form = this.#form(query.get("collection") ?? "");
    this.form.hidden = true;
    this.asked = 0;
    const other = h("button", { class: "button small", type: "button", onclick: () => fill(room, dropZone(take, signal)) }, "Choose another file");
    fill(room, h("div", { class: "file card" }, icon("jobs"), h("div", {}, h("strong", {}, file.name), h("p", { class: "small soft" }, file.url ?? bytes(file.size))), other), this.found, this.form);
    this.#suggest();
  }

  // Request a preview with the current roles; a response that arrives after a newer request is dropped.
  async look() {
    const asked = ++this.asked;
    if (!this.preview) fill(this.found, busy("Reading the catalog"));
    try {
      const preview = await this.api.post("/v1/preview", await this.#previewForm(), { signal: this.signal });
      if (asked === this.asked) this.#show(preview);
    } catch (error) {
      if (isAbort(error) || asked !== this.asked) return;
      this.preview = null;
      this.form.hidden = true;
      // The options stay: a wrong one is changed here, and a file that needs one gets it.
      fill(this.found, problemNotice(error, () => this.look()), this.reading.show(UNREAD));
    }
  }

  #show(preview) {
    this.preview = preview;
    const ready = preview.missing.length === 0 && preview.items > 0;
    fill(this.found, summary(preview), notes(preview), this.reading.show(preview), this.mapping.show(preview), problems(preview));
    this.form.hidden = !ready;
    this.send.textContent = preview.whole ? `Submit ${counted(preview.items, "item")}` : "Submit the whole catalog";
    announce(spoken(preview));
  }

  async #previewForm() {
    const form = this.#columns(new FormData());
    if (this.file.url) {
      form.set("url", this.file.url);
      return form;
    }
    const cut = this.file.size > LOOKED_AT_BYTES && !(await needsWhole(this.file));
    if (cut) form.set("cut", "true");
    form.set("file", cut ? this.file.slice(0, LOOKED_AT_BYTES) : this.file, this.file.name);
    return form;
  }

  #columns(form) {
    for (const [name, value] of Object.entries({ ...this.reading.chosen, ...this.mapping.chosen })) form.set(name, value);
    return form;
  }

  #form(collection) {
    this.collection = h("input", {
      class: "field", id: "job-collection", name: "collection", required: true, maxlength: 63, pattern: "[a-z0-9][a-z0-9_\\-]*",
      list: "job-collections", autocomplete: "off", spellcheck: "false", value: collection || nameFor(this.file.name),
      title: "Lowercase letters, digits, - and _",
    });
    this.model = h("input", { class: "field", id: "job-model", name: "model", maxlength: 256, list: "job-models", autocomplete: "off", spellcheck: "false", placeholder: "(default: the collection's model)" });
    this.strict = h("input", { type: "checkbox", id: "job-strict" });
    this.send = h("button", { class: "button primary", type: "submit" }, "Submit");
    return h(
      "form", { class: "send card", onsubmit: (event) => this.#submit(event) },
      h("div", {}, h("label", { class: "label", for: "job-collection" }, "Collection"), this.collection, h("datalist", { id: "job-collections" })),
      h("div", {}, h("label", { class: "label", for: "job-model" }, "Model"), this.model, h("datalist", { id: "job-models" })),
      h("label", { class: "strict small", for: "job-strict" }, this.strict, "Reject the file if any row is invalid"),
      h("div", { class: "end" }, this.send),
      this.said,
    );
  }

  async #submit(event) {
    event.preventDefault();
    const form = this.#columns(new FormData());
    form.set("collection", this.collection.value.trim());
    if (this.model.value.trim()) form.set("model", this.model.value.trim());
    if (this.strict.checked) form.set("strict", "true");
    this.send.disabled = true;
    try {
      const accepted = await this.#sent(form);
      this.carried.accepted = accepted;
      this.navigate("jobs", { rest: [accepted.job.id] });
    } catch (error) {
      if (isAbort(error)) return;
      fill(this.said, problemNotice(error));
      this.send.disabled = false;
    }
  }

  #sent(form) {
    const { signal } = this;
    if (this.file.url) {
      form.set("url", this.file.url);
      fill(this.said, busy("Reading the feed"));
      return this.api.post("/v1/jobs", form, { signal });
    }
    form.set("file", this.file, this.file.name);
    return upload(this.api, "/v1/jobs", form, { signal, sent: this.#showSent() });
  }

  #showSent() {
    const bar = h("progress", { max: 1, "aria-label": "Sent" });
    const words = h("span", { class: "small soft" }, "Sending");
    fill(this.said, h("p", { class: "sending" }, bar, words));
    return (loaded, total) => {
      bar.value = total ? loaded / total : 0;
      if (loaded < total) words.textContent = `${bytes(loaded)} of ${bytes(total)} sent`;
      else fill(this.said, busy("Upload complete; checking rows"));
    };
  }

  // Suggest existing names; the form works without them.
  async #suggest() {
    const { signal } = this;
    try {
      const [{ collections }, { workers }] = await Promise.all([this.api.get("/v1/collections", { signal }), this.api.get("/v1/workers", { signal })]);
      options(this.form.querySelector("#job-collections"), collections.map((each) => each.name));
      options(this.form.querySelector("#job-models"), [...new Set(workers.map((worker) => worker.space.model))]);
    } catch {
      // The preview of the catalog reports the error.
    }
  }
}

function summary(preview) {
  if (preview.missing.length) {
    const what = preview.missing.map((role) => (role === "id" ? "the id" : "the pictures")).join(" and ");
    return notice(`No column found for ${what}.`, { kind: "warn", hint: "Choose it below." });
  }
  const part = preview.whole ? "" : `In the first ${counted(preview.rows, "row")}: `;
  const good = `${counted(preview.items, "item")} with ${counted(preview.images, "picture")}`;
  const bad = preview.rejected_rows ? `, ${counted(preview.rejected_rows, "row")} would be rejected` : ", nothing to reject";
  return h("p", { class: "verdict" }, part, good, bad, ".");
}

// What was recognised and detected, in words.
function notes(preview) {
  const platform = PRESETS[preview.preset];
  const id = preview.columns.find((column) => column.role === "id")?.name;
  const said = [
    platform && `Recognised: ${platform}.`,
    preview.grouped && id && `Rows with one ${id} become one item.`,
    ...preview.notes,
  ].filter(Boolean);
  return said.length > 0 && h("ul", { class: "notes small soft" }, said.map((text) => h("li", {}, text)));
}

const spoken = (preview) =>
  preview.missing.length ? "Choose the missing columns." : `${counted(preview.items, "item")}, ${counted(preview.rejected_rows, "row")} would be rejected.`;

function problems(preview) {
  if (!preview.problems.length) return null;
  const rest = preview.rejected_rows - preview.problems.length;
  const broken = preview.problems.find((row) => row.code === "unreadable");
  return h(
    "section", { class: "card" },
    broken && brokenOffNotice(broken, "Choose a file that is whole, or submit the rows before that line."),
    h("h2", {}, "Rows that would be rejected"),
    h("p", { class: "small soft" }, codeCounts(preview.rejected_by_code)),
    problemTable(preview.problems),
    rest > 0 && h("p", { class: "small soft" }, `And ${count(rest)} more.`),
  );
}

// Some formats are read from their end, so a part of the file cannot be previewed.
async function needsWhole(file) {
  const begins = String.fromCharCode(...new Uint8Array(await file.slice(0, 16).arrayBuffer()));
  return WHOLE_MARKS.some((mark) => begins.startsWith(mark));
}

// Suggests a collection name: `summer-2026` for `Summer 2026.csv.gz`.
function nameFor(fileName) {
  const name = fileName.toLowerCase();
  const packed = PACKED.find((suffix) => name.endsWith(suffix)) ?? "";
  const stem = name.slice(0, name.length - packed.length).replace(/\.[^.]*$/, "");
  return stem.normalize("NFKD").replace(/[^a-z0-9_-]+/g, "-").replace(/^[-_]+|-+$/g, "").slice(0, 63);
}

const options = (datalist, values) => fill(datalist, values.map((value) => h("option", { value })));
