// The roles of a catalog's fields on the page: the title and the price.

const TITLES = ["title", "name", "product_name", "product_title", "label", "heading"];
const PRICES = ["price", "sale_price", "current_price", "amount"];
const CURRENCIES = ["currency", "price_currency", "currency_code"];

const DATETIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/; // the form in which the store keeps datetimes

const NUMBER = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export function titleOf(fields, itemId) {
  return String(first(fields, TITLES) ?? itemId);
}

// "29.50", or "€29.50" if the catalog names a valid currency; null without a price.
export function priceOf(fields) {
  const price = first(fields, PRICES);
  if (typeof price !== "number") return price === undefined ? null : String(price);
  const currency = first(fields, CURRENCIES);
  try {
    return currency ? new Intl.NumberFormat("en-GB", { style: "currency", currency }).format(price) : NUMBER.format(price);
  } catch {
    return NUMBER.format(price);
  }
}

export function shown(value) {
  if (Array.isArray(value)) return value.map(shown).join(", ");
  if (typeof value === "string" && DATETIME.test(value)) return shownDate(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  return value === null ? "–" : String(value);
}

// A catalog's plain dates are stored as midnight.
function shownDate(text) {
  const [day, clock] = text.slice(0, -1).split("T");
  return clock === "00:00:00" ? day : `${day} ${clock} UTC`;
}

function first(fields, names) {
  const byName = new Map(Object.entries(fields).map(([name, value]) => [name.toLowerCase(), value]));
  const found = names.find((name) => byName.has(name) && byName.get(name) !== null && byName.get(name) !== "");
  return found === undefined ? undefined : byName.get(found);
}
