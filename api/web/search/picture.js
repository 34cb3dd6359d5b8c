// A picture from the user: found in a drop or paste, reduced to a thumbnail for the address, encoded for a request.

const THUMB_SIDE = 112; // pixels of the longest side in an address
const THUMB_QUALITY = 0.72;

// The first picture in a drop or paste: a file or a URL; null if there is none.
export function broughtBy(transfer) {
  const file = [...(transfer?.files ?? [])].find((each) => each.type.startsWith("image/"));
  if (file) return { file };
  const text = (transfer?.getData("text/uri-list") || transfer?.getData("text/plain") || "").trim().split(/\s/)[0];
  return /^https?:\/\/\S+$/i.test(text) ? { url: text } : null;
}

// Draws a picture, or its part [left, top, width, height] in fractions, on a canvas. Throws if it cannot be decoded.
async function drawn(blob, crop, longest) {
  const bitmap = await createImageBitmap(blob); // upright, as the browser shows it
  const [x, y, across, down] = crop ?? [0, 0, 1, 1];
  const width = Math.max(1, Math.round(across * bitmap.width));
  const height = Math.max(1, Math.round(down * bitmap.height));
  const scale = Math.min(1, longest / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff"; // transparency becomes white, as in the workers
  pen.fillRect(0, 0, canvas.width, canvas.height);
  const [left, top] = [Math.round(x * bitmap.width), Math.round(y * bitmap.height)];
  pen.drawImage(bitmap, left, top, width, height, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas;
}

// A thumbnail in URL-safe base64, or "" if the browser cannot decode the picture (the service may be able to).
export async function thumbOf(blob, crop = null) {
  try {
    const canvas = await drawn(blob, crop, THUMB_SIDE);
    const url = canvas.toDataURL("image/jpeg", THUMB_QUALITY);
    return url.slice(url.indexOf(",") + 1).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  } catch {
    return "";
  }
}

export function base64Of(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result.slice(reader.result.indexOf(",") + 1)));
    reader.addEventListener("error", () => reject(new Error("The picture could not be read.")));
    reader.readAsDataURL(blob);
  });
}
