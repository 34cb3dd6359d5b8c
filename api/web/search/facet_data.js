// Loads a collection's facets under a filter; the fields worth counting are determined once.

const suggested = new Map(); // collection -> fields

export async function loadFacets(api, collection, filter, signal) {
  const params = new URLSearchParams();
  if (Object.keys(filter).length) params.set("filter", JSON.stringify(filter));
  const known = suggested.get(collection);
  if (known?.length) for (const field of new Set([...known, ...fieldsOf(filter)])) params.append("field", field);
  const { facets } = await api.get(`/v1/collections/${encodeURIComponent(collection)}/facets?${params}`, { signal });
  if (known) return facets.map((facet) => ({ ...facet, suggested: known.includes(facet.field) }));
  // Only without a filter: the fields offered are those that divide the whole collection.
  if (Object.keys(filter).length === 0) suggested.set(collection, facets.filter((facet) => facet.suggested).map(({ field }) => field));
  return facets;
}

// The fields of the page's own filters; other conditions from an address (`and`, `or`, `not`) apply but are not shown.
function fieldsOf(filter) {
  return Object.keys(filter).filter((name) => !["and", "or", "not"].includes(name));
}
