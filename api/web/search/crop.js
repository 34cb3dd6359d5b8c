// Cropping of the query picture, by drawing a box over it or by the arrow keys.
import { fill, h } from "../dom.js";

const SMALLEST = 0.04; // fraction of a side; a smaller box is an accidental click
const STEP = 0.02; // per key press

// Resolves to [left, top, width, height] in fractions of the picture, or to null. `image` is a loaded <img>.
export function askForCrop(image) {
  return new Promise((resolve) => {
    let frame = { x: 0.15, y: 0.15, width: 0.7, height: 0.7 };
    const box = h("div", { class: "crop-frame", tabindex: "0", role: "group", "aria-label": "Part to search by. Arrow keys move it, Shift+arrow keys resize it." });
    const stage = h("div", { class: "crop-stage" }, image, box);
    const draw = () => {
      for (const [name, part] of [["left", "x"], ["top", "y"], ["width", "width"], ["height", "height"]]) box.style[name] = `${frame[part] * 100}%`;
    };
    const dialog = h("dialog", { class: "crop-dialog", "aria-labelledby": "crop-title" });
    fill(
      dialog,
      h("h2", { id: "crop-title" }, "Crop the picture"),
      h("p", { class: "soft small" }, "Draw a box around the item. Arrow keys move it, Shift+arrow keys resize it."),
      stage,
      h(
        "div",
        { class: "crop-actions" },
        h("button", { class: "button", type: "button", onclick: () => dialog.close("") }, "Cancel"),
        h("button", { class: "button primary", type: "button", onclick: () => dialog.close("cut") }, "Search by this part"),
      ),
    );
    stage.addEventListener("dragstart", (event) => event.preventDefault()); // the drag draws a box and must not drag the picture
    stage.addEventListener("pointerdown", (event) => drag(event, stage, (next) => { frame = next; draw(); }));
    box.addEventListener("keydown", (event) => {
      const next = moved(frame, event);
      if (!next) return;
      event.preventDefault();
      frame = next;
      draw();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "cut" ? [frame.x, frame.y, frame.width, frame.height] : null);
    });
    document.body.append(dialog);
    draw();
    dialog.showModal();
    box.focus();
  });
}

function drag(event, stage, change) {
  event.preventDefault();
  const bounds = stage.getBoundingClientRect();
  const at = ({ clientX, clientY }) => [within((clientX - bounds.left) / bounds.width), within((clientY - bounds.top) / bounds.height)];
  const [startX, startY] = at(event);
  const move = (next) => {
    const [x, y] = at(next);
    const width = Math.abs(x - startX);
    const height = Math.abs(y - startY);
    if (width < SMALLEST || height < SMALLEST) return;
    change({ x: Math.min(x, startX), y: Math.min(y, startY), width, height });
  };
  // On the window, because the pointer can leave the picture while it draws.
  const end = new AbortController();
  const listen = (name, act) => window.addEventListener(name, act, { signal: end.signal });
  listen("pointermove", move);
  listen("pointercancel", () => end.abort());
  listen("pointerup", (last) => {
    move(last);
    end.abort();
  });
}

function moved(frame, { key, shiftKey }) {
  const [across, down] = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[key] ?? [null, null];
  if (across === null) return null;
  if (shiftKey) {
    return { ...frame, width: clamp(frame.width + across, SMALLEST, 1 - frame.x), height: clamp(frame.height + down, SMALLEST, 1 - frame.y) };
  }
  return { ...frame, x: clamp(frame.x + across, 0, 1 - frame.width), y: clamp(frame.y + down, 0, 1 - frame.height) };
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const within = (share) => clamp(share, 0, 1);
