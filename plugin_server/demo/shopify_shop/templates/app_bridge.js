"use strict";
(() => {
  const admin = new URL(document.currentScript.src).origin;
  window.shopify = { idToken: async () => (await fetch(`${admin}/admin/id_token`)).text() };
  const wish = new URLSearchParams(window.location.search).get("shopify-reload");
  if (!wish) return;
  window.shopify.idToken().then((token) => {
    const there = new URL(wish, window.location.href);
    there.searchParams.set("id_token", token);
    window.location.replace(there.href);
  });
})();
