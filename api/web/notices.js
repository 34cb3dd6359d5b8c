// Boxes with errors and notices, shown where they occur.
import { h } from "./dom.js";

// Shows a Problem (or any error); `retry` adds a button.
export function problemNotice(error, retry = null) {
  return h(
    "div",
    { class: "notice bad", role: "alert" },
    h("p", {}, h("strong", {}, error.detail ?? error.message)),
    error.hint && h("p", { class: "hint" }, error.hint),
    retry && h("p", {}, h("button", { class: "button small", type: "button", onclick: retry }, "Try again")),
  );
}

// `kind` is "warn", "bad" or empty.
export function notice(text, { kind = "", hint = null } = {}) {
  return h("div", { class: `notice ${kind}` }, h("p", {}, text), hint && h("p", { class: "hint" }, hint));
}

export function busy(text) {
  return h("p", { class: "busy" }, text);
}

// The content of an empty view or list: what is missing, and what to do.
export function empty(title, text, ...actions) {
  return h("div", { class: "empty" }, h("h2", {}, title), h("p", {}, text), ...actions);
}

// Whether an error only means that the request was aborted.
export function isAbort(error) {
  return error?.name === "AbortError";
}
