// Points on a canvas: sharp at any pixel density, selected by the pointer or by the arrow keys.
import { h } from "../dom.js";
import { titleOf } from "../item_fields.js";

const MARGIN = 18;
const REACH = 14; // maximum distance in pixels from the pointer to the selected point

// `on` has over(point or null, place), pick(point) and signal. `paint(colours)` draws with one colour per point.
export function scatter(points, on) {
  const canvas = h("canvas", { class: "map-canvas", tabindex: "0", role: "img", "aria-label": `Map of ${points.length} pictures. Arrow keys move from picture to picture, Enter opens one.` });
  const said = h("p", { class: "visually-hidden", "aria-live": "polite" });
  const element = h("div", { class: "map-plot" }, canvas, said);
  const byPlace = points.map((_, number) => number).sort((one, other) => points[one].x - points[other].x || points[one].y - points[other].y);
  let colours = [];
  let chosen = null; // number of a point
  let size = { width: 0, height: 0 };

  const placeOf = ({ x, y }) => ({ x: MARGIN + x * (size.width - 2 * MARGIN), y: MARGIN + y * (size.height - 2 * MARGIN) });

  function draw() {
    const density = window.devicePixelRatio || 1;
    canvas.width = size.width * density;
    canvas.height = size.height * density;
    const pen = canvas.getContext("2d");
    pen.scale(density, density);
    const ink = getComputedStyle(canvas).color;
    const radius = points.length > 800 ? 3 : 5;
    pen.globalAlpha = 0.88;
    points.forEach((point, number) => dot(pen, placeOf(point), radius, colours[number], ink));
    if (chosen === null) return;
    pen.globalAlpha = 1;
    dot(pen, placeOf(points[chosen]), radius + 3, colours[chosen], ink);
    pen.lineWidth = 2;
    pen.strokeStyle = ink;
    pen.stroke();
  }

  function choose(number) {
    if (number === chosen) return;
    chosen = number;
    draw();
    on.over(number === null ? null : points[number], number === null ? null : { ...placeOf(points[number]), ...size });
  }

  function nearest(event) {
    const bounds = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top];
    let best = null;
    let distance = REACH;
    points.forEach((point, number) => {
      const place = placeOf(point);
      const away = Math.hypot(place.x - x, place.y - y);
      if (away < distance) [best, distance] = [number, away];
    });
    return best;
  }

  canvas.addEventListener("pointermove", (event) => choose(nearest(event)));
  canvas.addEventListener("pointerleave", () => choose(null));
  canvas.addEventListener("blur", () => choose(null));
  canvas.addEventListener("click", (event) => {
    const number = nearest(event);
    if (number !== null) on.pick(points[number]);
  });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter" && chosen !== null) {
      event.preventDefault(); // otherwise the same key would press the element that gets the focus next
      on.pick(points[chosen]);
    }
    if (step === undefined) return;
    event.preventDefault();
    const at = chosen === null ? -step : byPlace.indexOf(chosen);
    choose(byPlace[(at + step + points.length) % points.length]);
    said.textContent = titleOf(points[chosen].fields, points[chosen].item_id);
  });

  const watcher = new ResizeObserver(([entry]) => {
    size = { width: Math.round(entry.contentRect.width), height: Math.round(entry.contentRect.height) };
    draw();
  });
  watcher.observe(element);
  on.signal.addEventListener("abort", () => watcher.disconnect());

  return {
    element,
    paint(next) {
      colours = next;
      draw();
    },
  };
}

// The edge separates black points from a dark page, and white ones from a light page.
function dot(pen, { x, y }, radius, colour, ink) {
  const { globalAlpha } = pen;
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fillStyle = colour;
  pen.fill();
  pen.globalAlpha = 0.4;
  pen.lineWidth = 1;
  pen.strokeStyle = ink;
  pen.stroke();
  pen.globalAlpha = globalAlpha;
}
