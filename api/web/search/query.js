// A search query, as the page's address stores it and as the API receives it.
//
// { collection, text, url, crop, item, picture, like, unlike, filter, exact, weight }; `crop` is the part of the picture at
// the URL to search by: [left, top, width, height] as fractions. `weight` is the weight of words relative to a picture. For a
// dropped picture, the address holds its vector (one byte per dimension) and a thumbnail, so that the link can be shared
// although the picture itself is not stored.

export const PAGE = 24; // hits per request
export const MAX_EXAMPLES = 10; // in each of plus and minus, the API's limit
const MOST_WEIGHT = 10; // of words, the API's limit

export function fromAddress(params) {
  const vector = params.get("vector");
  return {
    collection: params.get("collection") ?? "",
    text: params.get("text") ?? "",
    url: params.get("url") ?? "",
    crop: parsedCrop(params.get("crop")),
    item: params.get("item") ?? "",
    picture: vector ? { vector, thumb: safeThumb(params.get("thumb")) } : null,
    like: params.getAll("like").slice(0, MAX_EXAMPLES),
    unlike: params.getAll("unlike").slice(0, MAX_EXAMPLES),
    filter: parsedFilter(params.get("filter")),
    exact: params.get("exact") === "1",
    weight: parsedWeight(params.get("weight")),
  };
}

export function toAddress(query) {
  const pairs = [
    ["collection", query.collection],
    ["text", query.text],
    ["url", query.url],
    ["crop", query.url && query.crop ? query.crop.map((share) => share.toFixed(3)).join(",") : ""],
    ["item", query.item],
    ["vector", query.picture?.vector],
    ["thumb", query.picture?.vector ? query.picture.thumb : ""],
    ...query.like.map((id) => ["like", id]),
    ...query.unlike.map((id) => ["unlike", id]),
    ["filter", Object.keys(query.filter).length ? JSON.stringify(query.filter) : ""],
    ["exact", query.exact ? "1" : ""],
    ["weight", query.text && query.weight !== 1 ? String(query.weight) : ""],
  ];
  return new URLSearchParams(pairs.filter(([, value]) => value));
}

// A new query in the same collection with the same filter and options; `by` says what to search by.
export function asked(query, by) {
  return { ...query, text: "", url: "", crop: null, item: "", picture: null, like: [], unlike: [], ...by };
}

export function isEmpty({ text, url, item, picture, like }) {
  return !(text || url || item || picture || like.length);
}

export function hasPicture({ url, item, picture }) {
  return Boolean(url || item || picture);
}

// The body of a POST to /v1/search. `vector`, if known, saves the workers from embedding the picture again.
export function bodyOf(query, { offset = 0, image = null, crop = null, vector = null } = {}) {
  const by = vector ? { vector } : questionOf(query, image, crop);
  return {
    collection: query.collection,
    top: PAGE,
    offset,
    ...by,
    ...(Object.keys(query.filter).length ? { filter: query.filter } : {}),
    ...(query.exact ? { exact: true } : {}),
    ...(query.text && query.weight !== 1 ? { text_weight: query.weight } : {}),
    relevance: "mark",
    vectors: offset === 0,
  };
}

function questionOf(query, image, crop) {
  const examples = (ids) => ids.map((item) => ({ item }));
  const given = {
    text: query.text,
    image_url: query.url,
    item: query.item,
    image_base64: image,
    crop: image ? crop : query.url && query.crop,
    vector: !image && query.picture?.vector ? unpacked(query.picture.vector) : null,
    like: examples(query.like),
    unlike: examples(query.unlike),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value && value.length));
}

// --- a vector in an address: each value as a signed byte, relative to the largest -----------------

export function packed(vector) {
  const largest = Math.max(...vector.map(Math.abs)) || 1;
  const bytes = Uint8Array.from(vector, (value) => Math.round((value / largest) * 127) & 255);
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function unpacked(text) {
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Array.from(binary, (character) => ((character.charCodeAt(0) << 24) >> 24) / 127);
  } catch {
    return []; // a truncated link: the API reports that the query is empty
  }
}

function parsedFilter(text) {
  try {
    const found = JSON.parse(text ?? "{}");
    return found !== null && typeof found === "object" && !Array.isArray(found) ? found : {};
  } catch {
    return {};
  }
}

function parsedWeight(text) {
  const weight = Number(text ?? 1);
  return weight > 0 && weight <= MOST_WEIGHT ? weight : 1;
}

function parsedCrop(text) {
  const parts = (text ?? "").split(",").map(Number);
  const [left, top, width, height] = parts;
  const fits = parts.length === 4 && parts.every((share) => share >= 0 && share <= 1) && width > 0 && height > 0;
  // Fractions are rounded in the address, so their sums can exceed 1 slightly.
  return fits && left < 1 && top < 1 ? [left, top, Math.min(width, 1 - left), Math.min(height, 1 - top)] : null;
}

// Accepts only what this page itself writes, because anybody can write an address.
function safeThumb(text) {
  return /^[A-Za-z0-9_-]{1,12000}$/.test(text ?? "") ? text : "";
}

export function thumbAddress(thumb) {
  return thumb ? `data:image/jpeg;base64,${thumb.replaceAll("-", "+").replaceAll("_", "/")}` : "";
}
