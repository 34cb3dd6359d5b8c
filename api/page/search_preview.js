// The picture that a question is asked with: shown small beside the words, and large to be cut.
import { catalogPicture } from "./catalog_picture.js";
import { askForCrop } from "./search_crop.js";
import { isWebAddress } from "./dom.js";
import { readable } from "./search_picture.js";
import { thumbAddress } from "./search_query.js";
import { thumbnail } from "./search_box.js";

export function previews(context) {
  const brought = new Map(); // vector -> the bytes that it was made of, while this tab lives
  const items = new Map(); // item id -> a hit or item shown, which knows its picture's address

  // { image, name, canCrop }, or null for a question without a picture.
  function of(query) {
    const { picture, url, item } = query;
    if (picture) return { image: ownThumbnail(picture), name: "Your picture", canCrop: brought.has(picture.vector) };
    if (url) return { image: thumbnail(url, "The picture asked with"), name: url, canCrop: true };
    return item ? { image: itemThumbnail(query), name: item, canCrop: isWebAddress(items.get(item)?.image_url ?? "") } : null;
  }

  function ownThumbnail({ vector, thumb }) {
    const address = brought.has(vector) && !thumb ? URL.createObjectURL(brought.get(vector)) : thumbAddress(thumb);
    return thumbnail(address, "The picture asked with");
  }

  function itemThumbnail({ collection, item }) {
    const known = items.get(item);
    if (known) return catalogPicture(context, collection, known, `The item ${item}`, { class: "asking-thumb", loading: "eager" });
    const image = thumbnail("", "");
    learn(collection, item).then((found) => found && image.replaceWith(itemThumbnail({ collection, item })));
    return image;
  }

  // The item's first picture; none where it does not exist, which the search itself says better.
  async function learn(collection, item) {
    try {
      const { pictures } = await context.api.get(`/v1/collections/${encodeURIComponent(collection)}/item`, { query: { id: item }, signal: context.signal });
      items.set(item, { item_id: item, ...pictures[0] });
      return true;
    } catch {
      return false;
    }
  }

  // { source, frame }; frame is null where the picture cannot be read. null where the user thought otherwise.
  async function crop({ picture, url, item }) {
    const source = picture ? brought.get(picture.vector) : await readable(url || items.get(item).image_url);
    if (!source) return { source: null, frame: null };
    const image = source instanceof Blob ? await imageOf(source) : source;
    image.alt = "";
    const frame = await askForCrop(image);
    return frame && { source, frame };
  }

  return {
    of,
    askForCrop: crop,
    keep: (vector, blob) => brought.set(vector, blob),
    remember: (shown) => items.set(shown.item_id, shown),
  };
}

async function imageOf(blob) {
  const image = new Image();
  image.src = URL.createObjectURL(blob);
  await image.decode();
  URL.revokeObjectURL(image.src);
  return image;
}
