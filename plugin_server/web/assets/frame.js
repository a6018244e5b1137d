// Inside the frame of a shop's admin every request proves itself by a token of a minute, which the admin's script gives.
const PARAMETER = "id_token";
let token = new URLSearchParams(window.location.search).get(PARAMETER) || "";

const renew = async () => {
  if (window.shopify && window.shopify.idToken) token = await window.shopify.idToken();
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
  document.addEventListener("submit", (event) => token && sign(event.target), true);
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers.Authorization = `Bearer ${token}`;
    delete event.detail.parameters[PARAMETER];
  });
}
