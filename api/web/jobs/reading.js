// How the file is read: the platform that exported it, rows to merge, the place of its pictures, its encoding.
import { PRESETS } from "../formats.js";
import { fill, h } from "../dom.js";

const ENCODINGS = ["utf-8", "cp1252", "iso8859-15", "cp1250", "cp1251", "utf-16", "shift_jis", "gb18030"];

export class ReadingForm {
  // `changed` is called when the user changes an option.
  constructor(changed) {
    this.changed = changed;
    this.given = {}; // option to value, as the user set it; what is absent is detected
  }

  // The form fields for the user's choices.
  get chosen() {
    return Object.fromEntries(Object.entries(this.given).filter(([, value]) => value !== ""));
  }

  show(preview) {
    const focused = document.activeElement?.dataset?.reading;
    const open = this.toggled ?? (preview.preset !== null || preview.missing.length > 0);
    this.details = h(
      "details", { class: "card reading-card", open },
      h("summary", { onclick: () => (this.toggled = !this.details.open) }, h("h2", {}, "How the file is read")),
      h(
        "div", { class: "reading" },
        this.#preset(preview), this.#group(preview), this.#root(preview), this.#encoding(), this.#skip(), this.#row(),
      ),
    );
    // The form is rebuilt after each choice; keyboard users keep their position.
    if (focused) queueMicrotask(() => this.details.querySelector(`[data-reading="${focused}"]`)?.focus());
    return this.details;
  }

  #preset(preview) {
    const found = PRESETS[preview.preset] ?? "none recognised";
    const options = [["auto", this.given.preset ? "Detect" : `Detect (${found})`], ["none", "None"], ...Object.entries(PRESETS)];
    return this.#select("preset", "Platform", options, this.given.preset ?? "auto", "auto");
  }

  #group(preview) {
    const merged = preview.columns.find((column) => column.role === "id")?.name;
    const none = preview.grouped && !this.given.group_by ? `Rows with one ${merged}` : "No rows";
    const options = [["", none], ...preview.columns.map(({ name }) => [name, `Rows with one ${name}`])];
    return this.#select("group_by", "Merge into one item", options, this.given.group_by ?? "", "");
  }

  // Prefilled for platforms whose pictures are paths. The unedited example is not sent: its host does not exist.
  #root(preview) {
    const example = preview.image_root;
    const input = this.#text("image_root", "Picture paths start at", this.given.image_root ?? example, {
      type: "url", inputmode: "url", placeholder: "a URL",
    });
    this.example = example;
    return input;
  }

  #encoding() {
    return h(
      "div", {},
      this.#text("encoding", "Encoding", this.given.encoding ?? "", { list: "reading-encodings", placeholder: "detected" }),
      fill(h("datalist", { id: "reading-encodings" }), ENCODINGS.map((value) => h("option", { value }))),
    );
  }

  #skip() {
    return this.#text("skip", "Lines above the header", this.given.skip ?? "", { type: "number", min: 0, max: 1000, placeholder: "0" });
  }

  #row() {
    return this.#text("row", "Row element or sheet", this.given.row ?? "", { placeholder: "channel/item", title: "XML and JSON: the path of the element that is a row. Excel: the name of the sheet." });
  }

  #select(name, label, options, value, unset) {
    const id = `reading-${name}`;
    const select = h(
      "select", { class: "field", id, dataset: { reading: name } },
      options.map(([key, words]) => h("option", { value: key }, words)),
    );
    select.value = value;
    select.addEventListener("change", () => this.#set(name, select.value === unset ? "" : select.value));
    return h("div", {}, h("label", { class: "label", for: id }, label), select);
  }

  #text(name, label, value, attributes) {
    const id = `reading-${name}`;
    const input = h("input", { class: "field", id, value, autocomplete: "off", spellcheck: "false", dataset: { reading: name }, ...attributes });
    input.addEventListener("change", () => this.#set(name, input.value.trim()));
    return h("div", {}, h("label", { class: "label", for: id }, label), input);
  }

  #set(name, value) {
    this.given[name] = name === "image_root" && value === this.example ? "" : value;
    this.changed();
  }
}
