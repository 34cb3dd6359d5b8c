// The colours of a map's points by a field's values: one hue per word, a scale for numbers.

// Based on Okabe and Ito's colours, which colour-blind people can distinguish, adjusted for light and dark backgrounds.
const HUES = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b58900", "#3d9bd6", "#8c564b", "#7f6bd6", "#5f9c2f", "#c4476c"];
const REST = "#8d877b";
// A field of colour names uses these colours: red points for blue items would confuse.
const NAMED = {
  red: "#cf3b33", orange: "#e07b1f", yellow: "#e3b505", gold: "#c79a2b", green: "#2f9e58", olive: "#7d8b2a", teal: "#1f8a85", turquoise: "#2fb5ac",
  blue: "#2f6fd6", navy: "#243b73", purple: "#8a4bc4", violet: "#8a4bc4", pink: "#e57fa8", brown: "#8a5a3b", beige: "#d9c7a3", cream: "#f1e7cf",
  black: "#26241f", white: "#ffffff", grey: "#9a9a9a", gray: "#9a9a9a", silver: "#c4c6c8",
};
const LOW = [70, 120, 200];
const HIGH = [214, 94, 0];

// Returns { colours: one per point, legend: [{ colour, text, pictures }] }; without a field all points have one colour.
export function colouring(points, field) {
  if (!field) return { colours: points.map(() => HUES[0]), legend: [] };
  const values = points.map((point) => point.fields[field]);
  return values.some((value) => typeof value === "number") ? byNumber(values) : byWord(values);
}

function byWord(values) {
  const texts = values.map((value) => (value === undefined || value === null ? null : [value].flat().join(", ")));
  const counts = new Map();
  for (const text of texts) if (text !== null) counts.set(text, (counts.get(text) ?? 0) + 1);
  const ranked = [...counts].sort((one, other) => other[1] - one[1]);
  const colours = ranked.filter(([text]) => text.toLowerCase() in NAMED);
  const named = colours.length >= ranked.length / 2;
  const hueOf = (text, place) => (named ? (NAMED[text.toLowerCase()] ?? REST) : HUES[place]);
  const hue = new Map((named ? colours.slice(0, 20) : ranked.slice(0, HUES.length)).map(([text], place) => [text, hueOf(text, place)]));
  const legend = [...hue].map(([text, colour]) => ({ colour, text, pictures: counts.get(text) }));
  const others = texts.filter((text) => !hue.has(text)).length;
  if (others) legend.push({ colour: REST, text: "all others", pictures: others });
  return { colours: texts.map((text) => hue.get(text) ?? REST), legend };
}

function byNumber(values) {
  const sorted = values.filter((value) => typeof value === "number").sort((one, other) => one - other);
  // The scale spans the middle nine tenths, so that one expensive item does not give all others the same colour.
  const low = sorted[Math.floor(sorted.length * 0.05)];
  const high = sorted[Math.ceil(sorted.length * 0.95) - 1];
  const share = (value) => (high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0.5);
  const colours = values.map((value) => (typeof value === "number" ? between(share(value)) : REST));
  const legend = [
    { colour: between(0), text: `${low} and less`, pictures: sorted.filter((value) => value <= low).length },
    { colour: between(1), text: `${high} and more`, pictures: sorted.filter((value) => value >= high).length },
  ];
  return { colours, legend };
}

function between(share) {
  const part = LOW.map((low, place) => Math.round(low + (HIGH[place] - low) * share));
  return `rgb(${part.join(" ")})`;
}
