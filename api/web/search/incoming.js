// Pictures dropped anywhere on the page, or pasted.
import { h } from "../dom.js";
import { broughtBy } from "./picture.js";

// `on` has file(file) and url(address); listens until the signal is aborted.
export function acceptPictures(element, signal, on) {
  const cover = h("div", { class: "drop-cover", hidden: true, "aria-hidden": "true" }, h("p", {}, "Drop to search"));
  element.append(cover);
  let depth = 0; // elements entered and not left, because dragging over a child leaves its parent
  const cancel = () => {
    depth = 0;
    cover.hidden = true;
  };
  const listen = (target, name, act) => target.addEventListener(name, act, { signal });

  listen(window, "dragenter", () => {
    depth += 1;
    cover.hidden = false;
  });
  listen(window, "dragleave", () => {
    depth -= 1;
    if (depth <= 0) cancel();
  });
  listen(window, "dragover", (event) => event.preventDefault());
  listen(window, "drop", (event) => {
    event.preventDefault();
    cancel();
    take(broughtBy(event.dataTransfer), on);
  });
  listen(document, "paste", (event) => {
    const brought = broughtBy(event.clipboardData);
    // A URL pasted into a field is treated as text.
    if (!brought || (brought.url && event.target.closest?.("input, textarea"))) return;
    event.preventDefault();
    take(brought, on);
  });
}

function take(brought, on) {
  if (brought?.file) on.file(brought.file);
  else if (brought?.url) on.url(brought.url);
}
