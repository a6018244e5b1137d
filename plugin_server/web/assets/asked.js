// Forms and buttons that say what they will do ask once more before they do it.
document.addEventListener("submit", (event) => {
  const question = event.submitter?.getAttribute("data-confirm") || event.target.getAttribute("data-confirm");
  if (question && !window.confirm(question)) event.preventDefault();
});
