// Line icons, 24 by 24, in the colour of the surrounding text.
const NAMESPACE = "http://www.w3.org/2000/svg";

const PATHS = {
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM20 20l-4.9-4.9",
  jobs: "M5 7h14M5 12h14M5 17h9",
  collections: "M4 5h7v6H4zM13 5h7v6h-7zM4 13h7v6H4zM13 13h7v6h-7z",
  system: "M4 14h3.5l2-7 4 12 2.5-8 1 3H20",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z",
  key: "M14.5 14a5 5 0 1 0-4.8-3.6L3 17v4h4l1-1v-2h2l2.1-2.1a5 5 0 0 0 2.4.1zM16 8h.01",
  picture: "M4 5h16v14H4zM4 16l4.5-4.5 4 4 2.5-2.5 5 5M15.5 9h.01",
  close: "M6 6l12 12M18 6L6 18",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  like: "M4 8h10v10H4zM8 8V5h12v11h-6",
  crop: "M7 2v15h15M2 7h15v15",
  filter: "M4 6h16M7 12h10M10 18h4",
  link: "M9.5 14.5l5-5M8 11l-2.5 2.5a3.5 3.5 0 0 0 5 5L13 16M16 13l2.5-2.5a3.5 3.5 0 0 0-5-5L11 8",
  refresh: "M20 11a8 8 0 1 0-2.3 6.3M20 5v6h-6",
  stop: "M6 6h12v12H6z",
  upload: "M12 16V4M7 9l5-5 5 5M4 20h16",
  external: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
};

export function icon(name) {
  const drawing = document.createElementNS(NAMESPACE, "svg");
  const attributes = {
    viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "1.7",
    "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true", class: "icon",
  };
  for (const [key, value] of Object.entries(attributes)) drawing.setAttribute(key, value);
  const path = document.createElementNS(NAMESPACE, "path");
  path.setAttribute("d", PATHS[name]);
  drawing.append(path);
  return drawing;
}
