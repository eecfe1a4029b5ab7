// What the page says, in the language that the server has chosen or the reader has switched to.
// Every element with `data-text` shows one text, so that a switch changes all of them at once.

import all from './languages.js';

const root = document.documentElement;
const values = new WeakMap();

// Shows a text in an element. What is not a key is shown as it is.
export function say(element, key, filled = {}) {
  element.dataset.text = key;
  values.set(element, filled);
  write(element);
}

// Gives an element a name that only assistive technology tells.
export function label(element, key) {
  element.dataset.label = key;
  element.setAttribute('aria-label', all[root.lang][key]);
}

export function switchTo(language) {
  root.lang = language;
  document.querySelectorAll('[data-text]').forEach(write);
  document.querySelectorAll('[data-label]').forEach((element) => label(element, element.dataset.label));
}

function write(element) {
  const key = element.dataset.text;
  const filled = { ...root.dataset, ...values.get(element) };
  const text = all[root.lang][key] ?? key;
  const shown = text.replace(/\{(\w+)\}/g, (_, name) => name === 'time' ? describeWait(filled.wait) : filled[name]);
  if (element.textContent !== shown) element.textContent = shown;
}

// Seconds as a person says them, rounded up.
function describeWait(seconds) {
  const [size, unit] = [[3600, 'hour'], [60, 'minute'], [1, 'second']].find(([size]) => seconds > size) ?? [1, 'second'];
  return new Intl.NumberFormat(root.lang, { style: 'unit', unit, unitDisplay: 'long' }).format(Math.ceil(seconds / size));
}
