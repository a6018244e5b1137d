// The card works without this: a tap marks a code whole. With it, focus marks it and a button copies it.
const mark = (element) => {
  const range = document.createRange();
  range.selectNodeContents(element);
  const chosen = window.getSelection();
  chosen.removeAllRanges();
  chosen.addRange(range);
};

const take = async (element) => {
  try {
    await navigator.clipboard.writeText(element.textContent.trim());
    return true;
  } catch {
    mark(element); // no clipboard on plain http, or it was refused: the old way
    return document.execCommand("copy");
  }
};

document.addEventListener("focusin", (event) => event.target.matches(".code[tabindex]") && mark(event.target));
document.querySelectorAll("button[data-copy]").forEach((button) => {
  button.hidden = false;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    if (await take(document.getElementById(button.dataset.copy))) button.textContent = button.dataset.done;
  });
});
