// What somebody typed is not lost when their log-in has ended meanwhile, or the network: it stays in this browser for an
// hour, and comes back to its page. Nothing secret is kept, and nothing where the form reached us.
import htmx from "htmx.org";

const PLACE = "tangga.form", HOUR = 3_600_000, SECRET = new Set(["csrf_token", "password", "secret", "key", "id_token"]);
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
const keep = (form) => {
  if (!inside || form?.method !== "post" || !form.closest("main") || form.querySelector("[type=password]")) return;
  const fields = [...new FormData(form)].filter(([name, value]) => typeof value === "string" && !SECRET.has(name));
  // Of a form with a draft the server itself keeps what is typed over a log-in.
  const draft = "draft" in form.dataset;
  const file = [...form.elements].some((one) => one.type === "file" && one.files.length);
  if (fields.length || file) write({ at: Date.now(), path: form.dataset.page || here, who: inside, action: form.getAttribute("action"), fields, file, draft, lost: false });
};

const note = (words, address) => {
  document.querySelector("#kept")?.remove();
  const line = document.createElement("p");
  line.id = "kept";
  line.className = "note";
  line.setAttribute("role", "status");
  document.querySelector("main").prepend(line);
  if (address) {
    const link = line.appendChild(document.createElement("a"));
    link.href = address;
    link.textContent = words;
  } else line.textContent = words;
};
// What a page that is being left had asked for breaks off as well: that is no fault.
let leaving = 0;
addEventListener("beforeunload", () => { leaving = Date.now(); });
const unreached = () => {
  if (document.querySelector("#kept.bad") || Date.now() - leaving < 5000) return;
  note(document.body.dataset.unreached);
  document.querySelector("#kept").classList.add("bad");
};

// A form is sent once, however often its button is pressed; one that cannot leave is not sent into nowhere.
const SENT = "data-sent", AGAIN = 15_000;
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (!navigator.onLine) {
    event.preventDefault();
    unreached();
    document.querySelector("#kept").scrollIntoView({ block: "nearest" });
  } else if (Date.now() - Number(form.getAttribute(SENT)) < AGAIN) event.preventDefault();
  else {
    form.setAttribute(SENT, Date.now());
    keep(form);
  }
});
addEventListener("pageshow", () => document.querySelectorAll(`[${SENT}]`).forEach((form) => form.removeAttribute(SENT)));

// A part of a page that cannot be fetched leaves the page as it is, and says so until one comes again.
document.addEventListener("htmx:sendError", unreached);
document.addEventListener("htmx:afterOnLoad", () => document.querySelector("#kept.bad")?.remove());
addEventListener("online", () => document.querySelector("#kept.bad")?.remove());
// A log-in that has ended is also met by a form that only asks what it would do.
document.addEventListener("htmx:beforeOnLoad", ({ detail: { xhr, elt } }) => xhr.status === 401 && keep(elt.closest("form")));

const same = (kept, part) => [...part.querySelectorAll("main form[method=post]")].find((one) => one.getAttribute("action") === kept.action);

// A form that grows while it is filled is drawn by the server as it was; others only need their values.
const drawn = async (form, kept) => {
  const own = [...form.elements].filter(({ type, name }) => type === "hidden" && !kept.fields.some(([other]) => other === name));
  const fields = new URLSearchParams([...kept.fields, ...own.map(({ name, value }) => [name, value]), ["do", "look"], ["act", "look"]]);
  const answer = await fetch(form.dataset.again, { method: "POST", body: fields });
  const made = answer.ok && same(kept, new DOMParser().parseFromString(await answer.text(), "text/html"));
  if (!made) return;
  form.replaceChildren(...made.childNodes);
  htmx.process(form);
};

const fill = async (kept) => {
  const form = same(kept, document);
  if (!form) return false;
  if (form.dataset.again) await drawn(form, kept);
  const left = kept.fields.slice();
  for (const field of form.elements) {
    if (!field.name || SECRET.has(field.name) || ["hidden", "submit", "button", "file"].includes(field.type)) continue;
    const choice = field.type === "checkbox" || field.type === "radio";
    const at = left.findIndex(([name, value]) => name === field.name && (!choice || value === field.value));
    if (choice) field.checked = at >= 0;
    else if (at >= 0) field.value = left[at][1];
    if (at >= 0) left.splice(at, 1);
  }
  return true;
};

const comeBack = async (kept) => {
  write(null);
  try {
    // No page may put a chosen file back: that is said, so that nobody saves without it.
    const { keptHere, keptFile } = document.body.dataset;
    if (await fill(kept)) note(kept.file ? `${keptHere} ${keptFile}` : keptHere);
  } catch {
    write(kept); // the network again: it waits for the next time
  }
};

// The page that answers a form was led to by it; whoever goes back or types an address after a form that never arrived
// was not.
const led = document.referrer.startsWith(location.origin) && performance.getEntriesByType("navigation")[0]?.type === "navigate";
const kept = read();
if (!kept) write(null);
else if (!inside) write(kept.draft ? null : { ...kept, lost: true });
else if (kept.who !== inside || (!kept.lost && led)) write(null);
else if (kept.path === here) comeBack(kept);
else {
  write({ ...kept, lost: true });
  note(document.body.dataset.keptElsewhere, kept.path);
}
