// Elements made by hand. Text goes in as text and never becomes markup.

// h("a", { class: "button", href: "#/jobs", onclick: go }, "Jobs") is an element.
// Properties: `on…` listeners, `dataset` an object, `true` a bare attribute; false, null and undefined leave it out.
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

// Put these children in place of those that are there.
export function fill(element, ...children) {
  element.replaceChildren(...flat(children));
  return element;
}

// A picture of a catalog: quiet until it is there, and a placeholder where it does not come.
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

// Say something to who listens rather than looks.
export function announce(text) {
  document.getElementById("announcements").textContent = text;
}
