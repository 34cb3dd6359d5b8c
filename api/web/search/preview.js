// The query picture: a thumbnail in the search box, and the full picture for cropping.
import { catalogPicture, pictureBytes } from "../catalog_picture.js";
import { isWebAddress } from "../dom.js";
import { titleOf } from "../item_fields.js";
import { thumbnail } from "./box.js";
import { askForCrop } from "./crop.js";
import { thumbAddress } from "./query.js";

export function previews(context) {
  const brought = new Map(); // vector -> the picture's bytes, as long as this tab is open
  const items = new Map(); // item id -> a hit or item, which has its picture's URL

  // { image, name, canCrop }, or null for a query without a picture.
  function of(query) {
    const { picture, url, item } = query;
    if (picture) return { image: thumbnail(thumbAddress(picture.thumb), "Query picture"), name: "Your picture", canCrop: brought.has(picture.vector) };
    if (url) return { image: part(thumbnail(url, "Query picture"), query.crop), name: query.crop ? `Part of ${url}` : url, canCrop: true };
    return item ? { image: itemThumbnail(query), name: nameOf(item), canCrop: true } : null;
  }

  function nameOf(item) {
    const fields = items.get(item)?.fields;
    return fields ? titleOf(fields, item) : item;
  }

  function itemThumbnail({ collection, item }) {
    const known = items.get(item);
    if (known) return catalogPicture(context, collection, known, `The item ${item}`, { class: "asking-thumb", loading: "eager" });
    const image = thumbnail("", "");
    // If the item does not exist, the search reports it.
    learn(collection, item).then(() => image.replaceWith(itemThumbnail({ collection, item })), () => {});
    return image;
  }

  async function learn(collection, item) {
    if (items.has(item)) return items.get(item);
    const path = `/v1/collections/${encodeURIComponent(collection)}/item`;
    const { pictures, fields } = await context.api.get(path, { query: { id: item }, signal: context.signal });
    items.set(item, { item_id: item, fields, ...pictures[0] });
    return items.get(item);
  }

  // The picture to crop: its bytes, or a URL that the service fetches itself.
  async function sourceOf({ collection, picture, url, item }) {
    if (picture) return { blob: brought.get(picture.vector) };
    if (url) return { url };
    const shown = await learn(collection, item);
    return isWebAddress(shown.image_url) ? { url: shown.image_url } : { blob: await pictureBytes(context, collection, shown) };
  }

  // { blob or url, frame }; null if the user cancels. Throws if the picture cannot be shown.
  async function crop(query) {
    const source = await sourceOf(query);
    const address = source.blob ? URL.createObjectURL(source.blob) : source.url;
    try {
      const frame = await askForCrop(await loaded(address));
      return frame && { ...source, frame };
    } finally {
      if (source.blob) URL.revokeObjectURL(address);
    }
  }

  return {
    of,
    askForCrop: crop,
    keep: (vector, blob) => brought.set(vector, blob),
    remember: (shown) => items.set(shown.item_id, shown),
  };
}

// The thumbnail of the cropped part, or of the whole picture if the browser cannot show a part.
function part(image, crop) {
  if (!crop) return image;
  const [left, top, width, height] = crop;
  const percent = (share) => `${(100 * Math.max(0, share)).toFixed(1)}%`;
  image.style.objectViewBox = `inset(${percent(top)} ${percent(1 - left - width)} ${percent(1 - top - height)} ${percent(left)})`;
  return image;
}

async function loaded(address) {
  const image = new Image();
  image.alt = "";
  image.referrerPolicy = "no-referrer";
  image.src = address;
  try {
    await image.decode();
    return image;
  } catch {
    throw new Error("The picture cannot be shown here, so it cannot be cropped.");
  }
}
