// Whoever works by keys, or listens, stays where they were: after a part is drawn anew, after a refusal, after a menu.
const CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
const controls = (part) => [...part.querySelectorAll(CONTROLS)].filter((one) => !one.disabled && one.checkVisibility() && one.tabIndex >= 0);
const named = (one) => one.id || [one.tagName, one.name, one.value, one.getAttribute("href"), one.name ? "" : one.textContent.trim()].join(" ");
const lost = () => !document.activeElement || document.activeElement === document.body;

// A part that was moved up or down keeps the focus: its own buttons, at its new place.
const moved = (value) => {
  const found = /^(.*\b)(up|down):(\d+)$/.exec(value || "");
  if (!found) return [];
  const [, front, way, place] = found, other = way === "up" ? "down" : "up", next = Number(place) + (way === "up" ? -1 : 1);
  return [`${front}${way}:${next}`, `${front}${other}:${next}`];
};

let left = null;
document.addEventListener("htmx:beforeSwap", ({ detail: { target } }) => {
  const here = document.activeElement;
  if (lost() || !target.contains(here) || here === target) return;
  const all = controls(target);
  left = { id: target.id, name: named(here), field: here.name, value: here.value, place: all.indexOf(here), known: new Set(all.map(named)) };
});
document.addEventListener("htmx:afterSettle", () => {
  if (!left) return;
  const all = controls(document.getElementById(left.id) || document.querySelector("main"));
  const at = (value) => all.find((one) => one.name === left.field && one.value === value);
  const fresh = left.field && /(^|:)(add|group|new)\b/.test(left.value) && all.find((one) => !left.known.has(named(one)) && one.matches("input, select, textarea"));
  // Where the button itself was found again, only what it added is still to be gone to.
  if (!lost() && !fresh) left = null;
  if (!left) return;
  const [same, other] = moved(left.value);
  const found = fresh || at(same) || at(other) || all.find((one) => named(one) === left.name) || all[Math.min(left.place, all.length - 1)];
  left = null;
  found?.focus({ preventScroll: !fresh });
});

// What changed in a part that is drawn anew is said in a place that stays.
document.addEventListener("htmx:afterSettle", ({ detail: { target } }) => {
  const part = document.getElementById(target.id) || target;
  const said = part.closest("[data-said]") || part.querySelector("[data-said]");
  const line = document.getElementById("said");
  const words = said?.innerText.replace(/\s+/g, " ").trim().slice(0, 300);
  if (line && words && line.textContent !== words) line.textContent = words;
});

// The answer to a form that was refused begins at its first fault.
const opened = (one) => {
  for (let box = one.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
  return one;
};
if (document.body.hasAttribute("data-answer")) {
  const first = (wanted) => [...document.querySelectorAll(wanted)].find((one) => opened(one).checkVisibility());
  const fault = first("main [aria-invalid=true], main .fault") || first("main .note.bad");
  const field = fault?.matches("p, section, div") ? fault.closest(".field, .group, .part, fieldset")?.querySelector("input:not([type=hidden]), select, textarea") || fault : fault;
  if (field) {
    if (!field.matches("input, select, textarea")) field.tabIndex = -1;
    field.focus();
  }
}

// One menu at a time, and none after a click elsewhere or Escape; the focus goes back to what opened it.
const closeMenus = (except) => document.querySelectorAll("details.menu[open]").forEach((menu) => {
  if (menu === except) return;
  if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
  menu.removeAttribute("open");
});
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
document.addEventListener("keydown", (event) => event.key === "Escape" && closeMenus(null));
