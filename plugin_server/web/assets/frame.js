// Inside the frame of a shop's admin every request proves itself by a token of a minute, which the admin's script gives.
const PARAMETER = "id_token";
let token = new URLSearchParams(window.location.search).get(PARAMETER) || "";

const renew = async () => {
  if (!window.shopify || !window.shopify.idToken) return;
  try {
    token = await window.shopify.idToken();
  } catch {
    // The admin answers again soon; until then the old token stands, and the server sends a page round by the bounce.
  }
};

const signed = (address) => {
  const url = new URL(address, window.location.href);
  if (url.origin === window.location.origin && token) url.searchParams.set(PARAMETER, token);
  return url.href;
};

const sign = (form) => {
  const field = form.querySelector(`input[name="${PARAMETER}"]`) || document.createElement("input");
  Object.assign(field, { type: "hidden", name: PARAMETER, value: token });
  form.append(field);
};

if (document.body.hasAttribute("data-frame")) {
  renew();
  setInterval(renew, 25000);
  document.addEventListener("visibilitychange", () => document.hidden || renew());
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (link && link.target !== "_top") link.href = signed(link.href);
  }, true);
  // What somebody has typed must not be lost to a token of a minute ago: fetch a fresh one, then send.
  const signing = new WeakSet();
  document.addEventListener("submit", async (event) => {
    const { target: form, submitter } = event;
    if (signing.delete(form)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    await renew();
    sign(form);
    signing.add(form);
    form.requestSubmit(submitter);
    signing.delete(form);
  }, true);
  document.addEventListener("htmx:confirm", (event) => {
    if (event.detail.question) return; // htmx asks by itself, and the token was renewed not long ago
    event.preventDefault();
    renew().then(() => event.detail.issueRequest(true));
  });
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers.Authorization = `Bearer ${token}`;
    delete event.detail.parameters[PARAMETER];
  });
}
