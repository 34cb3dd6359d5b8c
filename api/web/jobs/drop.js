// The area where users drop or choose a catalog.
import { h } from "../dom.js";
import { ACCEPT, FORMATS, PACKED } from "../formats.js";
import { icon } from "../icons.js";

// Returns the drop zone; `take` is called with the file.
export function dropZone(take, signal) {
  const input = h("input", {
    type: "file", class: "visually-hidden", id: "catalog-file",
    accept: ACCEPT,
    onchange: () => input.files.length && take(input.files[0]),
  });
  const zone = h(
    "label", { class: "drop-zone", for: "catalog-file" }, input,
    icon("upload"),
    h("span", {}, h("strong", {}, "Drop a catalog here"), ", or ", h("span", { class: "link" }, "choose a file")),
    h("span", { class: "small soft" }, `${FORMATS}, plain or packed (${PACKED.join(", ")}). You can check it before you submit.`),
  );
  dropInto(zone, take, signal);
  return h("div", { class: "submit" }, zone, fromUrl(take));
}

// A form for a feed on the web; `take` is called with its URL in place of a file.
function fromUrl(take) {
  const input = h("input", {
    class: "field", id: "catalog-url", type: "url", required: true, maxlength: 4096, autocomplete: "off", spellcheck: "false",
    placeholder: "feed.xml, feed.csv.gz, …",
  });
  const submitted = (event) => {
    event.preventDefault();
    const url = input.value.trim();
    take({ url, name: nameOf(url) });
  };
  return h(
    "form", { class: "from-url", onsubmit: submitted },
    h("label", { class: "label", for: "catalog-url" }, "Or the URL of a feed"), input,
    h("button", { class: "button", type: "submit" }, "Read the feed"),
  );
}

// The last part of a URL's path, without its query.
function nameOf(url) {
  try {
    const { hostname, pathname } = new URL(url);
    return pathname.split("/").filter(Boolean).pop() ?? hostname;
  } catch {
    return url;
  }
}

// Lets users drop a file anywhere on the element, which is highlighted while a file is dragged over it.
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
