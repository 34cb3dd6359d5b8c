// What went wrong, said in a box where it happened.
import { h } from "./dom.js";

// A Problem (or any error) for people; `retry` adds a button.
export function problemNotice(error, retry = null) {
  return h(
    "div",
    { class: "notice bad", role: "alert" },
    h("p", {}, h("strong", {}, error.detail ?? error.message)),
    error.hint && h("p", { class: "hint" }, error.hint),
    retry && h("p", {}, h("button", { class: "button small", type: "button", onclick: retry }, "Try again")),
  );
}

// `kind` is "warn", "bad" or nothing.
export function notice(text, { kind = "", hint = null } = {}) {
  return h("div", { class: `notice ${kind}` }, h("p", {}, text), hint && h("p", { class: "hint" }, hint));
}

export function busy(text) {
  return h("p", { class: "busy" }, text);
}

// A view or a list with nothing in it: says so, and what to do.
export function empty(title, text, ...actions) {
  return h("div", { class: "empty" }, h("h2", {}, title), h("p", {}, text), ...actions);
}

// Whether an error only says that nobody waits any more.
export function isAbort(error) {
  return error?.name === "AbortError";
}
