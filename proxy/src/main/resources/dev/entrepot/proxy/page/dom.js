// Builds and updates the document. Text is always text: nothing here, and nothing in this page, turns a string into markup.

const SVG = "http://www.w3.org/2000/svg";

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) {
      continue;
    }
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) {
        element.addEventListener(event, listener);
      }
    } else if (name === "width%") {
      element.style.width = value + "%";
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) {
      append(element, child);
    } else if (child !== undefined && child !== null && child !== false && child !== "") {
      element.append(child instanceof Node ? child : String(child));
    }
  }
}

/** An element: h("td", {class: "num"}, "12"). */
export function h(tag, attributes, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for drawings. */
export function svg(tag, attributes, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/** Makes a document part like another one by changing what differs, so that focus, selection and open branches stay. */
export function morph(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || key(old) !== key(fresh)) {
    old.replaceWith(fresh);
    return fresh;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) {
      old.data = fresh.data;
    }
    return old;
  }
  for (const name of old.getAttributeNames()) {
    if (!fresh.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) {
      old.removeAttribute(name);
    }
  }
  for (const name of fresh.getAttributeNames()) {
    if (name === "style") {
      // An attribute would be inline style, which the policy forbids; the object is not.
      old.style.width = fresh.style.width;
    } else if (old.getAttribute(name) !== fresh.getAttribute(name)) {
      old.setAttribute(name, fresh.getAttribute(name));
    }
  }
  const before = [...old.childNodes];
  const after = [...fresh.childNodes];
  after.forEach((child, i) => (before[i] ? morph(before[i], child) : old.append(child)));
  before.slice(after.length).forEach((child) => child.remove());
  return old;
}

function key(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null;
}

/** A table: columns are [heading, class]; rows are lists of cells, of which those with nothing stay empty. */
export function table(caption, columns, rows, extra) {
  return h("table", { "data-rows": true, ...extra },
    caption && h("caption", {}, caption),
    h("thead", {}, h("tr", {}, columns.map(([name, style]) => h("th", { scope: "col", class: style }, name)))),
    h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell, i) =>
      h("td", { class: columns[i][1], "data-label": i === 0 ? undefined : columns[i][2] }, cell))))));
}

/** Names and values: facts([["used", "3 GiB"]]). Those without a value are left out. */
export function facts(style, pairs) {
  return h("dl", { class: style }, pairs
    .filter(([, value]) => value !== undefined && value !== null && value !== "")
    .map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** A button that copies a text, and says so. */
export function copyButton(text, what) {
  const button = h("button", { type: "button", class: "small", "aria-label": "Copy " + what, on: { click: async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Cannot copy";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  } } }, "Copy");
  return button;
}
