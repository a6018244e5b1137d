import "htmx.org";
import "./frame.js";
import "./keys.js";
import "./focus.js";
// The question comes before what a form that is sent brings with it.
import "./asked.js";
import "./kept.js";

// A choice marked so sends its form at once; without scripts the form's own button does.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-submit-on-change]");
  if (form) form.requestSubmit();
});

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
