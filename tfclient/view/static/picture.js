// An SVG made again from text in an inert document: only the elements and attributes listed here come over, so
// that nothing in it can run, load or lead anywhere. The server has cleaned it already; this does not rely on it.

const SVG = "http://www.w3.org/2000/svg";
const ELEMENTS = new Set(["svg", "g", "path", "rect", "ellipse", "circle", "line", "polygon", "polyline", "text", "tspan", "defs", "marker", "mask", "clipPath"]);
const ATTRIBUTES = new Set([
  "class", "clip-path", "cx", "cy", "d", "data-board", "data-step", "dx", "dy", "fill", "fill-opacity", "font-size", "font-style", "font-weight",
  "height", "id", "lengthAdjust", "marker-end", "marker-start", "markerHeight", "markerUnits", "markerWidth", "mask", "maskUnits", "opacity", "orient", "points",
  "preserveAspectRatio", "r", "refX", "refY", "rx", "ry", "stroke", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "stroke-opacity",
  "stroke-width", "text-anchor", "text-decoration", "textLength", "transform", "viewBox", "width", "x", "x1", "x2", "y", "y1", "y2",
]);
const REFERENCE = /^url\(#[\w-]+\)$/;

/** The picture as an element of this page, or null if the text is no SVG. */
export function pictureFrom(text) {
  const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
  return parsed.documentElement.namespaceURI === SVG ? safe(parsed.documentElement) : null;
}

function safe(source) {
  if (source.namespaceURI !== SVG || !ELEMENTS.has(source.localName)) return null;
  const element = document.createElementNS(SVG, source.localName);
  for (const { name, value } of source.attributes) {
    if (ATTRIBUTES.has(name) && (!/url/i.test(value) || name.startsWith("data-") || REFERENCE.test(value))) element.setAttribute(name, value);
  }
  for (const child of source.childNodes) {
    if (child.nodeType === Node.TEXT_NODE || child.nodeType === Node.CDATA_SECTION_NODE) element.append(child.data);
    else if (child.nodeType === Node.ELEMENT_NODE) element.append(safe(child) ?? "");
  }
  return element;
}
