// A tree for keyboard, mouse and screen readers, after the tree pattern of the ARIA authoring practices. Branches are built when they are first opened.

import { h } from "./dom.js";

/**
 * Makes a tree.
 *
 * An item is {name, parts, size, gone, open, children, show}: what a screen reader says, what is seen, the size on the right, whether it is not kept, whether it
 * begins open, a function that gives the items below it (or none), and a function that gives what is known of it. Who is told of the selection gets the item and its element;
 * what is put between its row and the items below keeps its own keys.
 */
export function tree(label, root, selected) {
  const list = h("ul", { role: "tree", "aria-label": label });
  let current = null;
  list.append(element(root, 1, 1, 1));
  list.addEventListener("keydown", pressed);
  list.addEventListener("click", clicked);
  list.addEventListener("focusin", (event) => {
    const item = event.target.closest("[role=treeitem]");
    if (item) {
      select(item);
    }
  });
  select(list.firstElementChild);
  return list;

  function element(item, level, position, size) {
    const node = h("li", { role: "treeitem", tabindex: "-1", "aria-level": level, "aria-posinset": position, "aria-setsize": size, "aria-selected": "false",
      "aria-label": item.name, "aria-expanded": item.children ? "false" : null, class: item.gone ? "gone" : null },
    h("div", { class: "row" }, h("span", { class: "twist", "aria-hidden": "true" }, item.children ? "▸" : ""), h("span", { class: "what" }, item.parts),
      h("span", { class: "size" }, item.size ?? "")));
    node.item = item;
    if (item.children && item.open) {
      expand(node);
    }
    return node;
  }

  function expand(node) {
    const item = node.item;
    if (!item.children || node.getAttribute("aria-expanded") === "true") {
      return;
    }
    if (!node.querySelector(":scope > [role=group]")) {
      const below = item.children();
      const level = Number(node.getAttribute("aria-level")) + 1;
      node.append(h("ul", { role: "group" }, below.map((child, i) => element(child, level, i + 1, below.length))));
    }
    node.querySelector(":scope > [role=group]").hidden = false;
    node.setAttribute("aria-expanded", "true");
    node.querySelector(".twist").textContent = "▾";
  }

  function collapse(node) {
    if (node.getAttribute("aria-expanded") === "true") {
      node.querySelector(":scope > [role=group]").hidden = true;
      node.setAttribute("aria-expanded", "false");
      node.querySelector(".twist").textContent = "▸";
    }
  }

  function select(node) {
    if (current === node) {
      return;
    }
    current?.setAttribute("aria-selected", "false");
    current?.setAttribute("tabindex", "-1");
    current = node;
    node.setAttribute("aria-selected", "true");
    node.setAttribute("tabindex", "0");
    selected(node.item, node);
  }

  function visible() {
    return [...list.querySelectorAll("[role=treeitem]")].filter((node) => !node.parentElement.closest("[role=group][hidden]"));
  }

  function clicked(event) {
    const node = event.target.closest("[role=treeitem]");
    if (node && event.target.closest(".row")) {
      node.focus();
      if (node.item.children) {
        node.getAttribute("aria-expanded") === "true" ? collapse(node) : expand(node);
      }
    }
  }

  function pressed(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !event.target.matches("[role=treeitem]")) {
      return;
    }
    const node = current;
    const open = node.getAttribute("aria-expanded");
    const all = visible();
    const at = all.indexOf(node);
    let to = null;
    switch (event.key) {
      case "ArrowDown": to = all[at + 1]; break;
      case "ArrowUp": to = all[at - 1]; break;
      case "Home": to = all[0]; break;
      case "End": to = all.at(-1); break;
      case "ArrowRight":
        if (open === "false") {
          expand(node);
        } else if (open === "true") {
          to = all[at + 1];
        }
        break;
      case "ArrowLeft":
        if (open === "true") {
          collapse(node);
        } else {
          to = node.parentElement.closest("[role=treeitem]");
        }
        break;
      case "Enter":
      case " ":
        if (open) {
          open === "true" ? collapse(node) : expand(node);
        }
        break;
      case "*": [...node.parentElement.children].forEach(expand); break;
      default: return;
    }
    event.preventDefault();
    event.stopPropagation();
    to?.focus();
  }
}
