// What somebody typed is not lost when their log-in has ended meanwhile: it stays in this browser for an hour, and comes
// back to its page after the next log-in. Nothing secret is kept, and nothing where the form reached us.
const PLACE = "tangga.form", HOUR = 3_600_000, SECRET = new Set(["csrf_token", "password", "secret", "key"]);
const inside = document.body.dataset.who, here = location.pathname + location.search;

const read = () => {
  try {
    const kept = JSON.parse(localStorage.getItem(PLACE));
    return kept && Date.now() - kept.at < HOUR ? kept : null;
  } catch { return null; }
};
const write = (kept) => {
  try { kept ? localStorage.setItem(PLACE, JSON.stringify(kept)) : localStorage.removeItem(PLACE); } catch { /* no room: nothing is kept */ }
};

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !inside || form.method !== "post" || !form.closest("main") || form.querySelector("[type=password]")) return;
  const fields = [...new FormData(form)].filter(([name, value]) => typeof value === "string" && !SECRET.has(name));
  if (fields.length) write({ at: Date.now(), path: here, who: inside, action: form.getAttribute("action"), fields, lost: false });
});

const note = (words, address) => {
  const line = document.createElement("p");
  line.className = "note";
  line.setAttribute("role", "status");
  if (address) {
    const link = line.appendChild(document.createElement("a"));
    link.href = address;
    link.textContent = words;
  } else line.textContent = words;
  document.querySelector("main").prepend(line);
};

const fill = (kept) => {
  const form = [...document.querySelectorAll("main form[method=post]")].find((one) => one.getAttribute("action") === kept.action);
  if (!form) return false;
  const left = kept.fields.slice();
  for (const field of form.elements) {
    if (!field.name || SECRET.has(field.name) || ["hidden", "submit", "button"].includes(field.type)) continue;
    const choice = field.type === "checkbox" || field.type === "radio";
    const at = left.findIndex(([name, value]) => name === field.name && (!choice || value === field.value));
    if (choice) field.checked = at >= 0;
    else if (at >= 0) field.value = left[at][1];
    if (at >= 0) left.splice(at, 1);
  }
  return true;
};

const kept = read();
if (!kept) write(null);
else if (!inside) write({ ...kept, lost: true });
else if (!kept.lost || kept.who !== inside) write(null);
else if (kept.path !== here) note(document.body.dataset.keptElsewhere, kept.path);
else {
  if (fill(kept)) note(document.body.dataset.keptHere);
  write(null);
}
