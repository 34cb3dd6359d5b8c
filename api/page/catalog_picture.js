// A stored picture as an <img>: from its host, or, where the catalog named a file, from the service.
import { isWebAddress, picture } from "./dom.js";
import { isAbort } from "./notices.js";

// `shown` has item_id, image_index and image_url, as hits, items and points of the map have.
export function catalogPicture({ api, signal }, collection, shown, alt, properties = {}) {
  if (isWebAddress(shown.image_url)) return picture(shown.image_url, alt, properties);
  const image = picture("", alt, properties);
  whenSeen(image, () => load(api, signal, collection, shown, image));
  return image;
}

async function load(api, signal, collection, shown, image) {
  const path = `/v1/collections/${encodeURIComponent(collection)}/picture`;
  const query = new URLSearchParams({ id: shown.item_id, index: shown.image_index });
  try {
    const answer = await api.open(`${path}?${query}`, { signal });
    const url = URL.createObjectURL(await answer.blob());
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
