// A stored picture as an <img>: loaded from its host, or from the service if the catalog named a file.
import { isWebAddress, picture } from "./dom.js";
import { isAbort } from "./notices.js";

// `shown` has item_id, image_index and image_url, like hits, items and points of the map.
export function catalogPicture(context, collection, shown, alt, properties = {}) {
  if (isWebAddress(shown.image_url)) return picture(shown.image_url, alt, properties);
  const image = picture("", alt, properties);
  whenSeen(image, () => load(context, collection, shown, image));
  return image;
}

// Loads the bytes of a stored picture that was embedded from a file.
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

// Loads a picture when it comes near the viewport, as the browser does with loading="lazy".
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
