// The dialog before an action that cannot be undone; resolves to true if the user confirms.
import { h } from "./dom.js";

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
          h("button", { class: "button", type: "submit", value: "" }, "Cancel"),
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
