// Helpers that create DOM elements. Text is inserted as text and never becomes markup.

// Creates an element: h("a", { class: "button", href: "#/jobs", onclick: go }, "Jobs").
// Properties: `on…` adds a listener, `dataset` takes an object, `true` sets a bare attribute; false, null and undefined omit it.
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) set(element, name, value);
  element.append(...flat(children));
  return element;
}

function set(element, name, value) {
  if (value === false || value === null || value === undefined) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "dataset") Object.assign(element.dataset, value);
  else if (name === "class") element.className = value;
  else if (name === "value" || name === "checked" || name === "indeterminate") element[name] = value;
  else element.setAttribute(name, value === true ? "" : String(value));
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

// Replaces the element's children.
export function fill(element, ...children) {
  element.replaceChildren(...flat(children));
  return element;
}

// Creates an <img> for a catalog's picture: invisible until loaded, a placeholder if it fails to load.
export function picture(url, alt, properties = {}) {
  const image = h("img", { alt, loading: "lazy", decoding: "async", referrerpolicy: "no-referrer", ...properties });
  image.addEventListener("error", () => image.classList.add("absent"), { once: true });
  if (isWebAddress(url) || url.startsWith("blob:") || url.startsWith("data:image/")) image.src = url;
  else image.classList.add("absent");
  return image;
}

export function isWebAddress(text) {
  return /^https?:\/\//i.test(text);
}

// Announces a text to screen readers.
export function announce(text) {
  document.getElementById("announcements").textContent = text;
}
