// The catalog's columns as a table: what each holds, and what it is taken for, which may be changed.
import { h } from "../dom.js";
import { table } from "../table.js";

const ROLES = { id: "Id", image: "Picture", field: "Field" };
const HELP = { id: "names the item", image: "a picture's address", field: "shown with hits, and filtered by" };

export class MappingTable {
  // `changed` is called when somebody takes a column for something else.
  constructor(changed) {
    this.changed = changed;
    this.roles = null; // column to role, once somebody chose; before that the service's own guess stands
  }

  // The form's fields that say what was chosen; none as long as nothing was.
  get chosen() {
    if (!this.roles) return {};
    const named = (role) => Object.keys(this.roles).filter((name) => this.roles[name] === role);
    const [id] = named("id");
    const images = named("image");
    return {
      ...(id === undefined ? {} : { id_column: id }),
      // As a JSON array, since a column's name may hold a comma.
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
    // The table is made anew after each choice; whoever went through it by keyboard stays where they were.
    if (focused !== undefined) queueMicrotask(() => element.querySelector(`select[data-column="${CSS.escape(focused)}"]`)?.focus());
    return element;
  }

  #row(column, preview) {
    const select = h(
      "select", { class: "field", dataset: { column: column.name }, "aria-label": `Take ${column.name} for` },
      Object.entries(ROLES).map(([role, words]) => h("option", { value: role, title: HELP[role] }, words)),
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
    // There is one id: the column that was it becomes a field.
    if (role === "id") for (const other of Object.keys(this.roles)) if (this.roles[other] === "id") this.roles[other] = "field";
    this.roles[name] = role;
    this.changed();
  }
}
