// The table of the catalog's columns: the contents of each, and its role, which users can change.
import { h } from "../dom.js";
import { table } from "../table.js";

const ROLES = { id: "Id", image: "Picture", field: "Field", left_out: "Not stored" };
const HELP = { id: "identifies the item", image: "picture URL", field: "shown with hits, used in filters", left_out: "a copy of the pictures" };

export class MappingTable {
  // `changed` is called when the user changes a column's role.
  constructor(changed) {
    this.changed = changed;
    this.roles = null; // column to role, once the user has chosen; until then the service's guess applies
  }

  // The form fields for the user's choice; empty until there is one.
  get chosen() {
    if (!this.roles) return {};
    const named = (role) => Object.keys(this.roles).filter((name) => this.roles[name] === role);
    const [id] = named("id");
    const images = named("image");
    return {
      ...(id === undefined ? {} : { id_column: id }),
      // As a JSON array, because a column's name can contain a comma.
      ...(images.length ? { image_columns: JSON.stringify(images) } : {}),
    };
  }

  show(preview) {
    const focused = document.activeElement?.dataset?.column;
    const rows = preview.columns.map((column) => this.#row(column, preview));
    const element = h(
      "section", { class: "card" }, h("h2", {}, "Columns"),
      table("Columns of the catalog", ["Column", "Use as", "Type", "Examples"], rows, { class: "table mapping stacks" }),
    );
    // The table is rebuilt after each choice; keyboard users keep their position.
    if (focused !== undefined) queueMicrotask(() => element.querySelector(`select[data-column="${CSS.escape(focused)}"]`)?.focus());
    return element;
  }

  #row(column, preview) {
    const select = h(
      "select", { class: "field", dataset: { column: column.name }, "aria-label": `Use ${column.name} as` },
      Object.entries(ROLES).filter(([role]) => role !== "left_out" || column.role === role).map(([role, words]) => h("option", { value: role, title: HELP[role] }, words)),
    );
    select.value = column.role;
    select.addEventListener("change", () => this.#choose(column.name, select.value, preview));
    return h(
      "tr", { class: `role-${column.role}` },
      h("th", { scope: "row", class: "first" }, column.name), h("td", { class: "second" }, select), h("td", { class: "soft" }, column.kind ?? HELP[column.role]),
      h("td", {}, h("div", { class: "examples" }, column.examples.map((text) => h("span", { class: "example" }, text)))),
    );
  }

  #choose(name, role, preview) {
    this.roles = Object.fromEntries(preview.columns.map((column) => [column.name, column.role]));
    // There is only one id: the previous id column becomes a field.
    if (role === "id") for (const other of Object.keys(this.roles)) if (this.roles[other] === "id") this.roles[other] = "field";
    this.roles[name] = role;
    this.changed();
  }
}
