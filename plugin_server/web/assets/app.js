import "htmx.org";
import "./frame.js";
import "./keys.js";

// Forms that say what they will do ask once more before they do it.
document.addEventListener("submit", (event) => {
  const question = event.target.getAttribute("data-confirm");
  if (question && !window.confirm(question)) event.preventDefault();
});

// A choice marked so sends its form at once; without scripts the form's own button does.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-submit-on-change]");
  if (form) form.requestSubmit();
});

// One menu at a time, and none after a click elsewhere or Escape.
const closeMenus = (except) =>
  document.querySelectorAll("details.menu[open]").forEach((menu) => menu !== except && menu.removeAttribute("open"));
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
document.addEventListener("keydown", (event) => event.key === "Escape" && closeMenus(null));

// Pages that are worth paper say so with a button.

// A slider says its value while it is moved.
document.addEventListener("input", (event) => {
  const output = event.target.form?.querySelector(`output[for="${event.target.id}"]`);
  if (output) output.textContent = `${event.target.value}%`;
});

// What is to be entered elsewhere is selected by one click; with a script, a button copies it.
const offerCopies = () => document.querySelectorAll("[data-copy][hidden]").forEach((button) => { button.hidden = false; });
document.addEventListener("htmx:load", offerCopies);
offerCopies();
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = button.dataset.done;
});
import "./kept.js";
