// A collection's facets under a filter; which fields are worth counting is learnt once.

const suggested = new Map(); // collection -> fields

export async function loadFacets(api, collection, filter, signal) {
  const params = new URLSearchParams();
  if (Object.keys(filter).length) params.set("filter", JSON.stringify(filter));
  const known = suggested.get(collection);
  if (known?.length) for (const field of new Set([...known, ...fieldsOf(filter)])) params.append("field", field);
  const { facets } = await api.get(`/v1/collections/${encodeURIComponent(collection)}/facets?${params}`, { signal });
  if (known) return facets.map((facet) => ({ ...facet, suggested: known.includes(facet.field) }));
  // Under a filter fewer values are left: what divides the whole collection is what is offered.
  if (Object.keys(filter).length === 0) suggested.set(collection, facets.filter((facet) => facet.suggested).map(({ field }) => field));
  return facets;
}

// Fields that the page's own filters name; an address may bring others (`and`, `or`, `not`), which pass unseen.
function fieldsOf(filter) {
  return Object.keys(filter).filter((name) => !["and", "or", "not"].includes(name));
}
