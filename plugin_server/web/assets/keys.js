// A few keys for people who work all day: "g" and a letter goes somewhere, "/" searches, "?" shows them. Off where one types.
const typing = (target) => target.closest("input, textarea, select, [contenteditable]");
let went = 0;

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const shown = document.querySelector("dialog#keys");
  if (event.key === "?" && shown && !shown.open) {
    event.preventDefault();
    shown.showModal();
  } else if (event.key === "/") {
    const search = document.querySelector("main input[type=search]");
    if (search) { event.preventDefault(); search.focus(); }
  } else if (event.key === "g") {
    went = event.timeStamp;
  } else if (went && event.timeStamp - went < 1500) {
    went = 0;
    document.querySelector(`.top nav a[data-key="${CSS.escape(event.key)}"]`)?.click();
  }
});

// On a phone the row of pages scrolls: the page that is open must be seen in it.
for (const here of document.querySelectorAll(".top nav a[aria-current], .places a[aria-current]")) {
  const row = here.parentElement;
  row.scrollLeft = Math.max(0, here.offsetLeft - row.offsetLeft - row.clientWidth / 2 + here.offsetWidth / 2);
}
