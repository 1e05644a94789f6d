// Numbers and times for people; every number has its unit.

import { h } from "./dom.js";

const BYTES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const THIN = "\u202f";

/** 1.4 GiB. */
export function bytes(count) {
  let value = Number(count) || 0;
  let unit = 0;
  while (value >= 1024 && unit < BYTES.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return value.toFixed(digits) + "\u00a0" + BYTES[unit];
}

/** 10 000. */
export function count(number) {
  return String(Math.round(Number(number) || 0)).replace(/\B(?=(\d{3})+(?!\d))/g, THIN);
}

/** "1 tag", "2 tags". */
export function counted(number, one, many) {
  return count(number) + "\u00a0" + (number === 1 ? one : many ?? one + "s");
}

/** 3.1 MiB/s. */
export function rate(bytesPerSecond) {
  return bytes(bytesPerSecond) + "/s";
}

/** 94.2 %; a dash where there is nothing to divide. Only all of it is 100 %. */
export function percent(part, whole) {
  if (!whole) {
    return "–";
  }
  const value = (100 * part) / whole;
  if (value > 0 && value < 0.05) {
    return "<\u202f0.1\u00a0%";
  }
  const shown = value >= 99.95 && part < whole ? 99.9 : value;
  return shown.toFixed(shown === 100 || shown === 0 ? 0 : 1) + "\u00a0%";
}

/** 3 min, 2 h 5 min, 4 d. */
export function duration(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s === 0 && seconds > 0) {
    return "<\u202f1\u00a0s";
  }
  if (s < 60) {
    return s + "\u00a0s";
  }
  if (s < 3600) {
    return Math.floor(s / 60) + "\u00a0min";
  }
  if (s < 86400) {
    const minutes = Math.floor((s % 3600) / 60);
    return Math.floor(s / 3600) + "\u00a0h" + (minutes ? " " + minutes + "\u00a0min" : "");
  }
  return Math.floor(s / 86400) + "\u00a0d";
}

function relative(date) {
  const seconds = (date.getTime() - Date.now()) / 1000;
  if (Math.abs(seconds) < 5) {
    return seconds < 0 ? "just now" : "now";
  }
  return seconds < 0 ? duration(-seconds) + " ago" : "in " + duration(seconds);
}

// How a time is told: as "3 min ago", or as how long it has been since.
const TOLD = { ago: relative, since: (date) => duration((Date.now() - date.getTime()) / 1000) };

function time(text, told) {
  if (!text) {
    return null;
  }
  const date = new Date(text);
  return h("time", { datetime: text, "data-told": told, title: date.toLocaleString() + " (" + text + ")", class: "nowrap" }, TOLD[told](date));
}

/** A point in time as "3 min ago", the exact one in its title. */
export function ago(text) {
  return time(text, "ago");
}

/** How long it has been since a point in time, as "3 min", the point in its title. */
export function since(text) {
  return time(text, "since");
}

/** Brings all relative times on the page up to date. */
export function refreshTimes() {
  for (const time of document.querySelectorAll("main time[datetime]")) {
    const fresh = TOLD[time.dataset.told](new Date(time.dateTime));
    if (time.textContent !== fresh) {
      time.textContent = fresh;
    }
  }
}

/** sha256:0123456789ab… */
export function short(digest) {
  const colon = digest.indexOf(":");
  return digest.slice(0, colon + 13) + "…";
}
