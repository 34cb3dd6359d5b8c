// A stored picture as an <img>: from its host, or, where the catalog named a file, from the service.
import { isWebAddress, picture } from "./dom.js";
import { isAbort } from "./notices.js";

// `shown` has item_id, image_index and image_url, as hits, items and points of the map have.
export function catalogPicture(context, collection, shown, alt, properties = {}) {
  if (isWebAddress(shown.image_url)) return picture(shown.image_url, alt, properties);
  const image = picture("", alt, properties);
  whenSeen(image, () => load(context, collection, shown, image));
  return image;
}

// The bytes of a stored picture that was embedded from a file.
export async function pictureBytes({ api, signal }, collection, shown) {
  const path = `/v1/collections/${encodeURIComponent(collection)}/picture`;
  const query = new URLSearchParams({ id: shown.item_id, index: shown.image_index });
  return (await api.open(`${path}?${query}`, { signal })).blob();
}

async function load(context, collection, shown, image) {
  try {
    const url = URL.createObjectURL(await pictureBytes(context, collection, shown));
    image.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
    image.classList.remove("absent");
    image.src = url;
  } catch (error) {
    if (!isAbort(error)) image.title = error.detail ?? error.message;
  }
}

// Ask for a picture when it comes near the window, as the browser itself does with loading="lazy".
function whenSeen(image, then) {
  const watcher = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      watcher.disconnect();
      then();
    },
    { rootMargin: "400px" },
  );
  watcher.observe(image);
}
