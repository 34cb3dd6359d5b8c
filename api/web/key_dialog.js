// The dialog for the API key: opened when the service requires a key, or when the user wants to change it.
import { fill, h } from "./dom.js";

// Resolves to the key, or to null if the user gives none. `why` is the service's reason for refusing the last key.
export function askForKey(why) {
  return new Promise((resolve) => {
    const field = h("input", { class: "field", type: "password", id: "api-key", autocomplete: "off", spellcheck: "false", required: true });
    const dialog = h("dialog", { class: "key-dialog", "aria-labelledby": "key-title" });
    const form = h(
      "form",
      { method: "dialog", onsubmit: () => dialog.close(field.value.trim()) },
      h("h2", { id: "key-title" }, "API key required"),
      why && h("p", { class: "notice bad", role: "alert" }, why),
      h("div", {}, h("label", { class: "label", for: "api-key" }, "API key"), field),
      h("p", { class: "small soft" }, "The operator of the service creates keys with “vitrine keys new”. Your key is kept in this tab until you close it."),
      h(
        "div",
        { class: "actions" },
        h("button", { class: "button", type: "button", onclick: () => dialog.close("") }, "Not now"),
        h("button", { class: "button primary", type: "submit" }, "Use this key"),
      ),
    );
    fill(dialog, form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue || null);
    });
    document.body.append(dialog);
    dialog.showModal();
    field.focus();
  });
}
