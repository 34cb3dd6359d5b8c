// The roles of a catalog's fields on the page: the title and the price.

const TITLES = ["title", "name", "product_name", "product_title", "label", "heading"];
const PRICES = ["price", "sale_price", "current_price", "amount"];
const CURRENCIES = ["currency", "price_currency", "currency_code"];

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
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value === "boolean") return value ? "yes" : "no";
  return value === null ? "–" : String(value);
}

function first(fields, names) {
  const byName = new Map(Object.entries(fields).map(([name, value]) => [name.toLowerCase(), value]));
  const found = names.find((name) => byName.has(name) && byName.get(name) !== null && byName.get(name) !== "");
  return found === undefined ? undefined : byName.get(found);
}
