// The roles of a catalog's fields on the page: the title, the price and the product's own page. Their names are those of shop exports
// in the main European languages, folded as `plain` does it.
import { isWebAddress } from "./dom.js";

const TITLES = [
  "title", "name", "product_name", "product_title", "item_name", "label", "heading",
  "titel", "bezeichnung", "produktname", "artikelname", "artikelbezeichnung", "naam", "productnaam", "navn", "namn",
  "titre", "nom", "nom_du_produit", "titulo", "nombre", "nombre_producto", "titolo", "nome", "nome_prodotto", "nome_produto",
  "tytul", "nazwa", "nazev",
];
const PRICES = [
  "price", "sale_price", "current_price", "amount", "variant_price", "regular_price", "standard_price",
  "preis", "verkaufspreis", "prijs", "pris", "prix", "precio", "prezzo", "preco", "cena",
];
const CURRENCIES = ["currency", "price_currency", "currency_code", "wahrung", "devise", "moneda", "valuta", "moeda", "waluta", "mena"];
const LINKS = [
  "link", "product_url", "product_link", "url", "canonical_url", "item_url", "landing_page", "permalink",
  "produkt_url", "produktlink", "lien", "enlace", "collegamento", "ligacao", "odkaz",
];

const DATETIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/; // the form in which the store keeps datetimes

const NUMBER = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export function titleOf(fields, itemId) {
  return String(first(fields, TITLES) ?? itemId);
}

// "29.50", or "€29.50" if the catalog names a valid currency, or "19.99 – 21.99" for variants; null without a price.
export function priceOf(fields) {
  const price = first(fields, PRICES);
  if (price === undefined) return null;
  const numbers = [price].flat().filter((value) => typeof value === "number");
  if (numbers.length === 0) return String(price);
  const currency = first(fields, CURRENCIES) ?? first(fields, PRICES.map((name) => `${name}_currency`));
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)].map((value) => money(value, currency));
  return low === high ? low : `${low} – ${high}`;
}

// The address of the product's page in the shop; null if the catalog names none.
export function linkOf(fields) {
  const link = first(fields, LINKS);
  return typeof link === "string" && isWebAddress(link) ? link : null;
}

function money(value, currency) {
  try {
    return currency ? new Intl.NumberFormat("en-GB", { style: "currency", currency }).format(value) : NUMBER.format(value);
  } catch {
    return NUMBER.format(value);
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
  const byName = new Map(Object.entries(fields).map(([name, value]) => [plain(name), value]).reverse());
  const found = names.find((name) => byName.has(name) && byName.get(name) !== null && byName.get(name) !== "");
  return found === undefined ? undefined : byName.get(found);
}

// `Variant Price`, `variantPrice` and `g:variant_price` are one name.
function plain(name) {
  const words = name.replace(/^[gc]:/, "").replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").replaceAll("ł", "l");
  return words.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_|_$/g, "");
}
